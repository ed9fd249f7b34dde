// SIGKILL of the manager as it enters a system call: everything before it is done, nothing after it.
import type { Run } from '../../rig/test-app.ts';
import { assertClear } from '../kit/clear.ts';
import { watch } from '../kit/invariants.ts';
import { desiredOf } from '../kit/state-files.ts';
import type { Case } from '../kit/suite.ts';
import type { Deed } from './deeds.ts';
import { assertOnlyOursSignalled } from './signals.ts';
import { assertStaysDown, type Host, type Stage, setStage } from './stage.ts';
import { whenStopped } from './standstill.ts';
import type { Step } from './steps.ts';

export const titleOfManager = (deed: Deed, host: Host): string =>
  `${deed.name}: SIGKILL of ${host === 'one-shot' ? 'graceful' : 'the supervisor'}`;

export const killManager = (deed: Deed, host: Host, step: Step): Case => {
  const title = titleOfManager(deed, host);
  return {
    row: `${title} at each system call`,
    name: `${title} at ${step.label}`,
    tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear', ...(deed.name.includes('hooks') ? (['I4'] as const) : [])],
    async run() {
      await using stage = await setStage(deed, host);
      const { app } = stage;
      await using witness = await watch(app, { slow: deed.slowClients });
      const processes = app.processes();
      const run = await doAndKill(stage, step);
      assertOnlyOursSignalled(deed, app, processes);
      // The command that a killed supervisor leaves behind says so; a killed command says nothing.
      if (run !== null && run.signal !== 'SIGKILL') assertClear(run);
      await witness.check({
        ...excuseOf(deed, host),
        told: run?.events ?? [],
        async revive() {
          if (deed.desired === 'down' && desiredOf(app) === 'down') await assertStaysDown(app);
          await stage.revive();
        },
        again: deed.args,
        againMay: deed.isOnce ? [0, 1] : [0],
        desired: deed.desired,
        tidy: deed.takesLock,
      });
    },
  };
};

/** Where a death makes a supervisor act, the clients are there when somebody dies, with what he was answering. */
export function excuseOf({ mayRefuse, provoke }: Deed, host: Host): { mayRefuse?: string; mayLose?: string } {
  if (mayRefuse === null) return {};
  return host === 'supervised' && provoke !== null ? { mayLose: mayRefuse } : { mayRefuse };
}

async function doAndKill(stage: Stage, step: Step): Promise<Run | null> {
  await using doing = await stage.begin({ step, signal: step.at === 'entering' ? 'SIGKILL' : 'SIGSTOP' });
  if (step.at === 'after') await whenStopped(stage.app, doing, async () => 'SIGKILL');
  return await doing.finished;
}
