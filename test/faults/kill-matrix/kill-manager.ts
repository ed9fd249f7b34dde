// SIGKILL of the manager as it enters a system call: everything before it is done, nothing after it.
import type { Run } from '../../rig/test-app.ts';
import { assertClear } from '../kit/clear.ts';
import { watch } from '../kit/invariants.ts';
import { Missed } from '../kit/missed.ts';
import { desiredOf } from '../kit/state-files.ts';
import type { Case } from '../kit/suite.ts';
import { type Deed, logOf } from './deeds.ts';
import { excusesOf } from './excuses.ts';
import { waitingForGo } from './go.ts';
import { assertOnlyOursSignalled } from './signals.ts';
import { assertStaysDown, type Host, type Stage, setStage } from './stage.ts';
import { whenStopped } from './standstill.ts';
import { isBeforeGo, type Step, wasReached } from './steps.ts';
import { logAt } from './strace.ts';

const managerOf = (host: Host): string => (host === 'one-shot' ? 'graceful' : 'the supervisor');

export const titleOfManager = (deed: Deed, host: Host): string => `${deed.name}: SIGKILL of ${managerOf(host)}`;

/** What comes next where nothing serves: what cron does, or the same command. */
export type Next = 'keepalive' | 'again';

export const killManager = (deed: Deed, host: Host, step: Step, next: Next): Case => {
  const title = titleOfManager(deed, host);
  return {
    row: isBeforeGo(step)
      ? `SIGKILL of ${managerOf(host)} between the record of a backend and its go`
      : `${title} at each system call`,
    name: `${title} at ${step.label}${next === 'again' ? ', then the same again' : ''}`,
    tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear', ...(deed.name.includes('hooks') ? (['I4'] as const) : [])],
    async run() {
      await using stage = await setStage(deed, host);
      const { app } = stage;
      await using witness = await watch(app, { slow: deed.slowClients });
      const processes = app.processes();
      const excuses = excusesOf(deed, host, app);
      const { run, isStruck } = await doAndKill(stage, step);
      assertOnlyOursSignalled(deed, app, processes);
      // The command that a killed supervisor leaves behind says so; a killed command says nothing.
      if (run !== null && run.signal !== 'SIGKILL') assertClear(run);
      await witness.check({
        excuses,
        told: run?.events ?? [],
        async revive() {
          if (deed.desired === 'down' && desiredOf(app) === 'down') await assertStaysDown(app);
          await stage.revive();
        },
        keepaliveFirst: next === 'keepalive',
        again: deed.args,
        againMay: deed.isOnce ? [0, 1] : [0],
        desired: deed.desired,
        tidy: deed.takesLock,
      });
      if (!isStruck) throw new Missed('it did not come to this call');
    },
  };
};

interface Done {
  readonly run: Run | null;
  readonly isStruck: boolean;
}

async function doAndKill(stage: Stage, step: Step): Promise<Done> {
  if (step.at === 'after') return await doAndStop(stage, step);
  let run: Run | null;
  {
    await using doing = await stage.begin({ step, signal: 'SIGKILL' });
    run = await doing.finished;
  }
  // strace has let go: what is not in its log does not happen any more.
  return { run, isStruck: wasReached(logAt(logOf(stage.app)), step) };
}

async function doAndStop(stage: Stage, step: Step): Promise<Done> {
  await using doing = await stage.begin({ step, signal: 'SIGSTOP' });
  let isRight = true;
  const hasStopped = await whenStopped(stage.app, doing, async () => {
    isRight = !isBeforeGo(step) || waitingForGo(stage.app) !== null;
    return 'SIGKILL';
  });
  return { run: await doing.finished, isStruck: hasStopped && isRight };
}
