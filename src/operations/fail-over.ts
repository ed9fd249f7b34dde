// Traffic away from a sick backend, if another one is ready: the fastest way back.
import { slotsToTry } from '../core/plan.ts';
import type { Slot } from '../core/slot.ts';
import type { App } from './app.ts';
import { moveTraffic } from './move-traffic.ts';
import { isReady, type Snapshot } from './observe.ts';

/** Switches to the first ready slot that is not active, under the lock. Null when there is none. */
export async function failOver(app: App, snapshot: Snapshot): Promise<Slot | null> {
  for (const slot of slotsToTry(snapshot.active)) {
    const backend = snapshot.backends[slot];
    if (backend === null || !(await isReady(app, backend))) continue;
    await moveTraffic(app, snapshot, { backend });
    return slot;
  }
  return null;
}
