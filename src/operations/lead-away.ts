// Traffic away from a slot that is to be started anew.
import { otherSlot, type Slot } from '../core/slot.ts';
import type { Desired } from '../core/status.ts';
import type { App } from './app.ts';
import { assertStillWanted } from './intent.ts';
import { moveTraffic } from './move-traffic.ts';
import { isReady, settle } from './observe.ts';
import { renew } from './update.ts';

interface LeadAwayOptions {
  /** What was wanted when the operation began. */
  readonly intent: Desired;
  /** Where the other one is started, if it has to be. */
  directory(): Promise<string | null>;
}

/**
 * Leaves the slot without traffic, as far as anybody is there to take it; starts the other one if that is needed, and returns
 * whether it did.
 * @throws `socket-in-use` when somebody whom no record names listens in the slot: nothing can be started there.
 */
export async function leadAway(app: App, slot: Slot, { intent, directory }: LeadAwayOptions): Promise<boolean> {
  const other = otherSlot(slot);
  const isLeft = await app.exclusive(async () => {
    const snapshot = await settle(app);
    assertStillWanted(intent, snapshot);
    const { active, backends, occupants } = snapshot;
    if (active !== slot) return true;
    if (occupants[slot] === null) await app.system.checkSocket(slot);
    const backend = backends[other];
    if (backend !== null && (await isReady(app, backend))) await moveTraffic(app, snapshot, { backend });
    // Of a dead one nothing is left that could be cut.
    else if (occupants[slot] !== null) return false;
    return true;
  });
  if (isLeft) return false;
  const renewed = await renew<null>(app, async ({ active }) => (active === slot ? { slot: other } : { done: null }), {
    intent,
    directory,
  });
  return renewed !== null;
}
