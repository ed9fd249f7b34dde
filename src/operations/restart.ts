// Stop then start, never at the cost of a request: an active slot's traffic moves to the other slot first.
import { monotonicMs } from '../core/clock.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { slotsToRestart } from '../core/plan.ts';
import { otherSlot, type Slot } from '../core/slot.ts';
import { type App, msSince } from './app.ts';
import { bringUp, prepareStart } from './bring-up.ts';
import { inEmptySlot } from './empty-slot.ts';
import { assertStillWanted } from './intent.ts';
import { makeWay } from './make-way.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, isReady, observe, settle } from './observe.ts';
import { ranFrom, served } from './releases.ts';
import { renew } from './update.ts';

export async function restart(app: App, input: OperationInputs['restart']): Promise<Outcomes['restart']> {
  const startedAt = monotonicMs();
  const restarted = slotsToRestart(input, observe(app).active);
  for (const slot of restarted) {
    do await moveTrafficAway(app, slot);
    while ((await restartSlot(app, slot)) === 'traffic-came-back');
  }
  const { active } = observe(app);
  return { operation: 'restart', restarted, active, ms: msSince(startedAt) };
}

/** Leaves the slot without traffic; starts the other one if that takes it. */
async function moveTrafficAway(app: App, slot: Slot): Promise<void> {
  const other = otherSlot(slot);
  const moved = await app.exclusive(async () => {
    const snapshot = await settle(app);
    if (snapshot.active !== slot || snapshot.backends[slot] === null) return true;
    const backend = snapshot.backends[other];
    if (backend === null || !(await isReady(app, backend))) return false;
    await moveTraffic(app, snapshot, { backend });
    return true;
  });
  if (!moved)
    await renew<null>(app, async ({ active }) => (active === slot ? { slot: other } : { done: null }), {
      directory: () => served(app),
    });
}

/** Drains, stops and starts a slot that has no traffic; leads traffic there if nothing ready has it. */
async function restartSlot(app: App, slot: Slot): Promise<'restarted' | 'traffic-came-back'> {
  const before = observe(app);
  const { desired: intent } = before;
  const directory = await ranFrom(app, before, slot);
  return inEmptySlot<'restarted' | 'traffic-came-back'>(app, {
    async choose(snapshot) {
      assertStillWanted(intent, snapshot);
      // Somebody switched back while its connections ended.
      const isServing = snapshot.active === slot && snapshot.backends[slot] !== null;
      return isServing ? { done: 'traffic-came-back' } : { slot };
    },
    prepare: () => prepareStart(app, slot, directory),
    async work(_slot, snapshot) {
      using _way = await makeWay(app, snapshot, slot);
      await using fresh = await bringUp(app, slot, directory);
      const others = { ...snapshot, backends: { ...snapshot.backends, [slot]: null } };
      if (!(await activeHealth(app, others))?.ok) await moveTraffic(app, snapshot, fresh);
      fresh.keep();
      return 'restarted';
    },
  });
}
