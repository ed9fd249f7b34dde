// SIGKILL of the manager as it enters a system call: everything before it is done, nothing after it.
import { assertClear } from '../kit/clear.ts';
import { watch } from '../kit/invariants.ts';
import { desiredOf } from '../kit/state-files.ts';
import type { Case } from '../kit/suite.ts';
import type { Deed } from './deeds.ts';
import { assertStaysDown, type Host, setStage } from './stage.ts';
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
      await using witness = await watch(app);
      await using doing = await stage.begin({ step, signal: step.at === 'entering' ? 'SIGKILL' : 'SIGSTOP' });
      if (step.at === 'after') await whenStopped(app, doing, async () => 'SIGKILL');
      const run = await doing.finished;
      // The command that a killed supervisor leaves behind says so; a killed command says nothing.
      if (run !== null && run.signal !== 'SIGKILL') assertClear(run);
      await witness.check({
        ...(deed.mayRefuse === null ? {} : { mayRefuse: deed.mayRefuse }),
        told: run?.events ?? [],
        async revive() {
          if (deed.desired === 'down' && desiredOf(app) === 'down') await assertStaysDown(app);
          await stage.revive();
        },
        again: deed.args,
        desired: deed.desired,
        tidy: deed.args[0] !== 'keepalive',
      });
    },
  };
};
