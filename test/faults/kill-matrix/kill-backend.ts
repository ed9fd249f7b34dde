// SIGKILL of a backend while the manager stands still between two of its system calls.
import assert from 'node:assert/strict';
import { otherSlot, type Slot } from '../../../src/core/slot.ts';
import { environmentOf, runs } from '../../rig/processes.ts';
import type { Run, TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { post } from '../kit/client.ts';
import { assertLinkLeads, watch } from '../kit/invariants.ts';
import { recordOf } from '../kit/state-files.ts';
import type { Case } from '../kit/suite.ts';
import type { Deed, Victim } from './deeds.ts';
import { excuseOf } from './kill-manager.ts';
import { assertOnlyOursSignalled } from './signals.ts';
import { type Host, type Stage, setStage } from './stage.ts';
import { whenStopped } from './standstill.ts';
import type { Step } from './steps.ts';

/** Refused, failed or done: but told, and never unknown. */
const MAY_END: readonly (number | null)[] = [0, 1, 3];

export const titleOfBackend = (deed: Deed, host: Host, victim: Victim): string =>
  `${deed.name}, ${host}: SIGKILL of the ${victim} backend`;

export const killBackend = (deed: Deed, host: Host, victim: Victim, step: Step): Case => {
  const title = titleOfBackend(deed, host, victim);
  return {
    row: `${title} after each system call`,
    name: `${title} after ${step.label}`,
    tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear', ...(deed.name.includes('hooks') ? (['I4'] as const) : [])],
    async run() {
      await using stage = await setStage(deed, host);
      const { app } = stage;
      await using witness = await watch(app, { slow: deed.slowClients });
      const before = { at: Date.now(), active: app.active() };
      const processes = app.processes();
      let excuse: string | null = null;
      const run = await doAndStrike(stage, step, async () => {
        excuse = await strike(app, deed, victim, before);
      });
      assertOnlyOursSignalled(deed, app, processes);
      if (run !== null) {
        assertClear(run);
        assert.ok(MAY_END.includes(run.code), `it ended with ${run.code}\n${run.stdout}${run.stderr}`);
      }
      // Nobody has healed anything yet: what serves must have been left serving.
      if (victim === 'other' && deed.running.includes('active')) await assertLinkLeads(app);
      const mayLose = excuse ?? undefined;
      await witness.check({
        ...excuseOf(deed, host),
        ...(mayLose === undefined ? {} : { mayLose }),
        told: run?.events ?? [],
        revive: async () => void (deed.desired === 'up' && (await heal(app, host))),
        again: deed.args,
        againMay: deed.againMay,
        desired: deed.desired,
        tidy: deed.takesLock,
      });
    },
  };
};

async function doAndStrike(stage: Stage, step: Step, act: () => Promise<void>): Promise<Run | null> {
  await using doing = await stage.begin({ step, signal: 'SIGSTOP' });
  await whenStopped(stage.app, doing, async () => {
    await act();
    return 'SIGCONT';
  });
  return await doing.finished;
}

/** When the deed began. */
interface Before {
  readonly at: number;
  readonly active: Slot | null;
}

/** Kills the victim; returns why requests may be lost by that, null when none may. */
async function strike(app: TestApp, deed: Deed, victim: Victim, before: Before): Promise<string | null> {
  const active = app.active();
  if (victim === 'active') {
    if (active === null) return null;
    await kill(app.pid(active));
    return 'the active backend was killed';
  }
  const slots = active === null ? (['a', 'b'] as const) : [otherSlot(active)];
  const records = slots.map((slot) => recordOf(app, slot));
  const spared = active === null ? undefined : recordOf(app, active)?.instance;
  // What has no record yet is the shell that waits for its word.
  await until('the other backend has gone, with all that it started', () => {
    const left = app.processes().filter((pid) => environmentOf(pid)['GRACEFUL_INSTANCE'] !== spared);
    for (const pid of left) if (runs(pid)) process.kill(pid, 'SIGKILL');
    return left.length === 0;
  });
  // Traffic has left it, and it still answers what it had taken.
  if (before.active !== null && active !== before.active) return 'the backend that had the traffic before was killed';
  // One that passed its gate may have been chosen already: the link is led to it, and then back.
  const isChosen = records.some(
    (record) =>
      record !== null && record.readyAt !== null && (deed.movesToWarm || Date.parse(record.readyAt) >= before.at),
  );
  return isChosen ? 'the backend that traffic was to be led to was killed' : null;
}

async function kill(pid: number | null): Promise<void> {
  if (pid === null || !runs(pid)) return;
  process.kill(pid, 'SIGKILL');
  await until('the backend has gone', () => !runs(pid));
}

/** What cron does about it: one call. A supervisor may be at it already, and then has the lock. */
async function heal(app: TestApp, host: Host): Promise<void> {
  if (host === 'one-shot') return void (await app.succeed('keepalive'));
  await until('the supervisor has healed it', async () => {
    await app.succeed('keepalive');
    return (await post(app.link, 'healed?')) === null;
  });
}
