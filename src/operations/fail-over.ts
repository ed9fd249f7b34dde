// Traffic away from a sick backend, if another one is ready: the fastest way back.
import { slotsToTry } from '../core/plan.ts';
import type { Slot } from '../core/slot.ts';
import type { App } from './app.ts';
import { examine } from './examine.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, isReady, observe, type Snapshot, settle } from './observe.ts';
import { isStrange } from './strangers.ts';

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

/** Before a ready backend is replaced: when the active one is sick (or the link lost), traffic goes to it first. */
export async function spareTheHealthyOne(app: App): Promise<void> {
  const before = observe(app);
  if (before.desired === 'down' || (await activeHealth(app, before))?.ok) return;
  await app.exclusive(async () => {
    const snapshot = await settle(app);
    // Where the link leads somebody listens whom no record names: he may be the version to be kept.
    if (snapshot.active !== null && (await isStrange(app, snapshot, snapshot.active))) return;
    const finding = await examine(app, snapshot);
    if (finding.action === 'heal') await failOver(app, snapshot);
  });
}
