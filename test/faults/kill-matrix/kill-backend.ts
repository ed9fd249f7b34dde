// SIGKILL of a backend while the manager stands still between two of its system calls.
import assert from 'node:assert/strict';
import { monotonicMs } from '../../../src/core/clock.ts';
import { otherSlot, type Slot } from '../../../src/core/slot.ts';
import { environmentOf, runs } from '../../rig/processes.ts';
import type { Run, TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { post } from '../kit/client.ts';
import type { Excuse } from '../kit/excuses.ts';
import { assertLinkLeads, watch } from '../kit/invariants.ts';
import { Missed } from '../kit/missed.ts';
import { recordOf } from '../kit/state-files.ts';
import type { Case } from '../kit/suite.ts';
import type { Deed, Victim } from './deeds.ts';
import { excusesOf, ledTo } from './excuses.ts';
import { waitingForGo } from './go.ts';
import { assertOnlyOursSignalled } from './signals.ts';
import { type Host, type Stage, setStage } from './stage.ts';
import { whenStopped } from './standstill.ts';
import { isBeforeGo, type Step } from './steps.ts';

/** Refused, failed or done: but told, and never unknown. */
const MAY_END: readonly (number | null)[] = [0, 1, 3];

export const titleOfBackend = (deed: Deed, host: Host, victim: Victim): string =>
  `${deed.name}, ${host}: SIGKILL of the ${victim} backend`;

export const killBackend = (deed: Deed, host: Host, victim: Victim, step: Step): Case => {
  const title = titleOfBackend(deed, host, victim);
  return {
    row: isBeforeGo(step)
      ? `${host}: SIGKILL of a backend between its record and its go`
      : `${title} after each system call`,
    name: isBeforeGo(step) ? `${title}, before ${step.label}` : `${title} after ${step.label}`,
    tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear', ...(deed.name.includes('hooks') ? (['I4'] as const) : [])],
    async run() {
      await using stage = await setStage(deed, host);
      const { app } = stage;
      await using witness = await watch(app, { slow: deed.slowClients });
      const before = app.active();
      const processes = app.processes();
      const excuses = excusesOf(deed, host, app);
      let stroke: Stroke | null = null;
      const run = await doAndStrike(stage, step, async () => {
        if (!isBeforeGo(step) || waitingForGo(app) !== null) stroke = await strike(app, victim, before);
      });
      assertOnlyOursSignalled(deed, app, processes);
      if (run !== null) {
        assertClear(run);
        assert.ok(MAY_END.includes(run.code), `it ended with ${run.code}\n${run.stdout}${run.stderr}`);
      }
      // Nobody has healed anything yet: what serves must have been left serving.
      if (victim === 'other' && deed.running.includes('active')) await assertLinkLeads(app);
      await witness.check({
        excuses: [...excuses, ...excusesFor(app, stroke)],
        told: run?.events ?? [],
        revive: async () => void (deed.desired === 'up' && (await heal(app, host))),
        again: deed.args,
        againMay: deed.againMay,
        desired: deed.desired,
        tidy: deed.takesLock,
      });
      if (stroke === null) throw new Missed('nobody was there to be killed');
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

/** A death that came about. */
interface Stroke {
  readonly excuses: readonly Excuse[];
  /** The slots in which somebody was killed whom traffic may be led to all the same, and when. */
  readonly unseen: readonly Slot[];
  readonly at: number;
}

/** Kills the victim; null where there is none. `before`: where the link led when the deed began. */
async function strike(app: TestApp, victim: Victim, before: Slot | null): Promise<Stroke | null> {
  const active = app.active();
  const at = monotonicMs();
  if (victim === 'active') {
    if (active === null) return null;
    const dead = [recordOf(app, active)?.instance ?? null];
    if (!(await kill(app.pid(active)))) return null;
    return { excuses: [{ why: 'the active backend was killed', covers: 'all', since: at, dead }], unseen: [], at };
  }
  const spared = active === null ? undefined : recordOf(app, active)?.instance;
  let killed = 0;
  // What has no record yet is the shell that waits for its word.
  await until('the other backend has gone, with all that it started', () => {
    const left = app.processes().filter((pid) => environmentOf(pid)['GRACEFUL_INSTANCE'] !== spared);
    for (const pid of left.filter(runs)) {
      process.kill(pid, 'SIGKILL');
      killed += 1;
    }
    return left.length === 0;
  });
  if (killed === 0) return null;
  // Traffic has left it, and it still answers what it had taken.
  const excuses =
    before !== null && active !== before
      ? [
          {
            why: 'the backend that had the traffic before was killed',
            covers: 'all',
            since: at,
            until: monotonicMs(),
          } as const,
        ]
      : [];
  return { excuses, unseen: active === null ? ['a', 'b'] : [otherSlot(active)], at };
}

const excusesFor = (app: TestApp, stroke: Stroke | null): readonly Excuse[] =>
  stroke === null ? [] : [...stroke.excuses, ...stroke.unseen.flatMap((slot) => ledTo(app, slot, stroke.at))];

/** Whether it was there. */
async function kill(pid: number | null): Promise<boolean> {
  if (pid === null || !runs(pid)) return false;
  process.kill(pid, 'SIGKILL');
  await until('the backend has gone', () => !runs(pid));
  return true;
}

/** What cron does about it: one call. A supervisor may be at it already, and then has the lock. */
async function heal(app: TestApp, host: Host): Promise<void> {
  if (host === 'one-shot') return void (await app.succeed('keepalive'));
  await until('the supervisor has healed it', async () => {
    await app.succeed('keepalive');
    return (await post(app.link, 'healed?')) === null;
  });
}
