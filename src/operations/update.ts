// The new version into the inactive slot, and the traffic to it once it is healthy.
import { monotonicMs } from '../core/clock.ts';
import { GracefulError } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { otherSlot, type Slot } from '../core/slot.ts';
import { type App, msSince } from './app.ts';
import { bringUp, prepareStart } from './bring-up.ts';
import { type Choice, inEmptySlot } from './empty-slot.ts';
import { failOver } from './fail-over.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, observe, type Snapshot, settle } from './observe.ts';
import { stopInactiveSlot } from './stop.ts';

type Updated = Pick<Outcomes['update'], 'from' | 'to' | 'release'>;

/** Restarts the inactive slot with the code on disk and moves the traffic there. A failed update changes nothing. */
export async function update(app: App, input: OperationInputs['update']): Promise<Outcomes['update']> {
  const startedAt = monotonicMs();
  await spareTheHealthyOne(app);
  const updated = await renew<never>(app, async (snapshot) => ({ slot: slotToUpdate(snapshot) }));
  const stopped = input.stopOld && updated.from !== null ? await stopInactiveSlot(app, updated.from) : null;
  return { operation: 'update', ...updated, stoppedOld: stopped?.stopped ?? false, ms: msSince(startedAt) };
}

/** When the active backend is sick and the other one is not, the update is to replace the sick one. */
async function spareTheHealthyOne(app: App): Promise<void> {
  const before = observe(app);
  if (before.active === null || (await activeHealth(app, before))?.ok) return;
  await app.exclusive(async () => {
    const snapshot = await settle(app);
    if (!(await activeHealth(app, snapshot))?.ok) await failOver(app, snapshot);
  });
}

/** The body of an update, for every operation that ends with a new backend serving. */
export async function renew<T>(app: App, choose: (snapshot: Snapshot) => Promise<Choice<T>>): Promise<T | Updated> {
  try {
    return await inEmptySlot<T | Updated>(app, {
      choose,
      prepare: (slot) => prepareStart(app, slot),
      async work(slot, snapshot) {
        await using fresh = await bringUp(app, slot);
        await moveTraffic(app, snapshot, fresh);
        return { from: snapshot.active, to: slot, release: fresh.backend.release };
      },
    });
  } catch (error) {
    // It had traffic for a moment, so it is drained like any other before it goes.
    if (error instanceof GracefulError && error.failure.code === 'verify-failed')
      await stopInactiveSlot(app, error.failure.details.slot);
    throw error;
  }
}

/** The one that is not active; with nothing active yet, `a`. */
export const slotToUpdate = ({ active }: Snapshot): Slot => (active === null ? 'a' : otherSlot(active));
