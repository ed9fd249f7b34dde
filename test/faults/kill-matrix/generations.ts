// Update after update, with a death in the middle of most of them: nothing piles up.
import assert from 'node:assert/strict';
import { monotonicMs } from '../../../src/core/clock.ts';
import type { GracefulEvent } from '../../../src/core/events.ts';
import { otherSlot } from '../../../src/core/slot.ts';
import { createTestApp, type RunningCommand, type TestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, supervise, type TestSupervisor } from '../../rig/test-supervisor.ts';
import { assertClear } from '../kit/clear.ts';
import type { Excuse } from '../kit/excuses.ts';
import { assertKeptAlive, untilNoneIsUnknown, watch } from '../kit/invariants.ts';
import { Missed } from '../kit/missed.ts';
import { recordOf } from '../kit/state-files.ts';
import type { Case } from '../kit/suite.ts';
import { turnstileHooks } from '../kit/turnstile.ts';
import { killBackend } from './deeds.ts';

const GENERATIONS = 20;

interface Death {
  readonly of: 'manager' | 'active' | 'other';
  /** As soon as the update has told this. */
  readonly at: GracefulEvent['type'];
}

/** One after the other, over and over; null lets an update through. */
const DEATHS: readonly (Death | null)[] = [
  { of: 'manager', at: 'backend-started' },
  null,
  { of: 'other', at: 'backend-started' },
  { of: 'manager', at: 'backend-ready' },
  { of: 'manager', at: 'traffic-switched' },
  { of: 'active', at: 'backend-started' },
  { of: 'manager', at: 'hook-succeeded' },
];

/** Done, refused, failed, its supervisor gone; null where it was killed itself. */
const MAY_END: readonly (number | null)[] = [0, 1, 3, 5, null];

export const generations = (host: 'one-shot' | 'supervised'): Case => ({
  row: `${GENERATIONS} updates one after the other, with deaths in the middle`,
  name: `${host}: ${GENERATIONS} updates, with deaths in the middle`,
  tried: ['I1', 'I2', 'I3', 'I4', 'I5', 'I7', 'clear'],
  async run() {
    await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' }, config: { schedule: NO_SCHEDULE } });
    app.configure({ hooks: turnstileHooks(app.dir) });
    await app.succeed('start');
    await using supervisors = host === 'one-shot' ? null : await oneAtATime(app);
    await using witness = await watch(app);
    const excuses: Excuse[] = [];
    const told: GracefulEvent[] = [];
    let deaths = 0;
    for (let generation = 0; generation < GENERATIONS; generation += 1) {
      app.deploy(String(generation), { APP_ON_SIGTERM: 'exit' });
      const death = DEATHS[generation % DEATHS.length] ?? null;
      const update = app.spawnGraceful(['update', '--json']);
      if (death !== null && (await hasTold(update, death.at))) {
        excuses.push(...(await strike(app, death, update, supervisors)));
        deaths += 1;
      }
      const run = await update.finished;
      told.push(...run.events);
      if (run.code !== null) assertClear(run);
      assert.ok(MAY_END.includes(run.code), `it ended with ${run.code}\n${run.stdout}${run.stderr}`);
      await supervisors?.revive();
      await assertKeptAlive(app);
      await untilNoneIsUnknown(app);
    }
    app.deploy('the last', { APP_ON_SIGTERM: 'exit' });
    await witness.check({ excuses, told, again: ['update'] });
    assert.equal((await app.get('/')).version, 'the last');
    if (deaths === 0) throw new Missed('every update was over before somebody could be killed');
  },
});

/** Null where it ended without. */
const hasTold = (update: RunningCommand, type: GracefulEvent['type']): Promise<unknown> =>
  update.event(type).catch(() => null);

async function strike(
  app: TestApp,
  { of }: Death,
  update: RunningCommand,
  supervisors: Supervisors | null,
): Promise<readonly Excuse[]> {
  if (of === 'manager') {
    if (supervisors === null) update.process.kill('SIGKILL');
    else await supervisors.kill();
    return [];
  }
  const active = app.active();
  if (active === null) return [];
  const since = monotonicMs();
  const slot = of === 'active' ? active : otherSlot(active);
  const dead = [recordOf(app, slot)?.instance ?? null];
  await killBackend(app, slot);
  // While the update goes on, the link may go to the other slot between one look and the next.
  return [{ why: `the ${of} backend was killed`, covers: 'all', since, dead }];
}

interface Supervisors extends AsyncDisposable {
  kill(): Promise<unknown>;
  /** Another one, where the last one was killed. */
  revive(): Promise<void>;
}

async function oneAtATime(app: TestApp): Promise<Supervisors> {
  let current: TestSupervisor = await supervise(app);
  return {
    kill: () => current.kill('SIGKILL'),
    async revive() {
      if (current.process.signalCode !== null) current = await supervise(app);
    },
    [Symbol.asyncDispose]: () => current[Symbol.asyncDispose](),
  };
}
