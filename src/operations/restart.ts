// Stop then start, never at the cost of a request: an active slot's traffic moves to the other slot first.
import { monotonicMs } from '../core/clock.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { slotsToRestart } from '../core/plan.ts';
import type { Slot } from '../core/slot.ts';
import type { Desired } from '../core/status.ts';
import { type App, msSince } from './app.ts';
import { bringUp, prepareStart } from './bring-up.ts';
import { inEmptySlot } from './empty-slot.ts';
import { spareTheHealthyOne } from './fail-over.ts';
import { assertStillWanted } from './intent.ts';
import { leadAway } from './lead-away.ts';
import { makeWay } from './make-way.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, observe } from './observe.ts';
import { ranFrom, served } from './releases.ts';

export async function restart(app: App, input: OperationInputs['restart']): Promise<Outcomes['restart']> {
  const startedAt = monotonicMs();
  const { active: first, desired: intent } = observe(app);
  if (slotsToRestart(input, first).some((slot) => slot !== first)) await spareTheHealthyOne(app);
  const restarted = slotsToRestart(input, observe(app).active);
  for (const slot of restarted) {
    do await leadAway(app, slot, { intent, directory: () => served(app) });
    while ((await restartSlot(app, slot, intent)) === 'traffic-came-back');
  }
  const { active } = observe(app);
  return { operation: 'restart', restarted, active, ms: msSince(startedAt) };
}

/** Drains, stops and starts a slot that has no traffic; leads traffic there if nothing ready has it. */
async function restartSlot(app: App, slot: Slot, intent: Desired): Promise<'restarted' | 'traffic-came-back'> {
  const directory = await ranFrom(app, observe(app), slot);
  return inEmptySlot<'restarted' | 'traffic-came-back'>(app, {
    async choose(snapshot) {
      assertStillWanted(intent, snapshot);
      // Somebody switched back while its connections ended.
      const isServing = snapshot.active === slot && snapshot.occupants[slot] !== null;
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
