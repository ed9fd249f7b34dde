// The moment between two system calls: strace has stopped the manager, and the rig acts before the next one.
import { runs } from '../../rig/processes.ts';
import type { TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { logOf } from './deeds.ts';
import type { Doing } from './stage.ts';
import { logAt, stopsIn } from './strace.ts';

/** Acts when the manager stands still for the first time, and then sends it the signal that `act` returns. Whether it ever did. */
export async function whenStopped(
  app: TestApp,
  doing: Doing,
  act: () => Promise<'SIGCONT' | 'SIGKILL'>,
): Promise<boolean> {
  let isOver = false;
  void doing.finished.finally(() => {
    isOver = true;
  });
  // Each of its threads may come to the number once.
  for (let stops = 0; ; stops += 1) {
    await until('the manager stands still or is done', () => isOver || stopsIn(logAt(logOf(app))) > stops, 60_000);
    if (isOver) return stops > 0;
    const signal = stops === 0 ? await act() : 'SIGCONT';
    const manager = doing.managerPid();
    if (manager !== null && runs(manager)) process.kill(manager, signal);
  }
}
