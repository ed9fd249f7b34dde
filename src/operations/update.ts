// The new version into the inactive slot, and the traffic to it once it is healthy.
import { monotonicMs } from '../core/clock.ts';
import { GracefulError } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { slotToUpdate } from '../core/plan.ts';
import type { Slot } from '../core/slot.ts';
import type { Desired } from '../core/status.ts';
import { type App, msSince, undoing } from './app.ts';
import { bringUp, type FreshBackend, prepareStart } from './bring-up.ts';
import { type Choice, inEmptySlot } from './empty-slot.ts';
import { spareTheHealthyOne } from './fail-over.ts';
import { assertStillWanted } from './intent.ts';
import { moveTraffic } from './move-traffic.ts';
import { observe, type Snapshot } from './observe.ts';
import { deployed, removeOld } from './releases.ts';
import { stopInactiveSlot } from './stop.ts';
import { withStrangers } from './strangers.ts';
import { standBy, watch } from './watch.ts';

type Updated = Pick<Outcomes['update'], 'from' | 'to' | 'release'> & {
  readonly fresh: Pick<FreshBackend, 'backend' | 'logStart'>;
};

/** Restarts the inactive slot with the code on disk and moves the traffic there. A failed update changes nothing. */
export async function update(app: App, input: OperationInputs['update']): Promise<Outcomes['update']> {
  const startedAt = monotonicMs();
  const intent = observe(app).desired;
  await spareTheHealthyOne(app);
  const { watchMs } = input;
  const choose = async (snapshot: Snapshot) => ({
    slot: slotToUpdate(await withStrangers(app, snapshot)),
  });
  const { from, to, release, fresh } = await renew<never>(app, choose, {
    intent,
    directory: () => deployed(app, input.release),
    onMoved: (snapshot) => watchMs !== null && standBy(app, snapshot, watchMs),
  });
  await removeOld(app);
  const watched = watchMs === null ? null : await watch(app, fresh, { from, watchMs });
  const stoppedOld = input.stopOld && from !== null && watched !== 'cut-short' && (await stopOld(app, from));
  return { operation: 'update', from, to, release, stoppedOld, watched, ms: msSince(startedAt) };
}

/** The update has taken effect: what goes wrong from here on is told, and does not make it a failure. */
async function stopOld(app: App, slot: Slot): Promise<boolean> {
  try {
    return (await stopInactiveSlot(app, slot)).stopped;
  } catch (error) {
    app.emit({ type: 'warned', about: `stopping slot ${slot}`, detail: GracefulError.from(error).message });
    return false;
  }
}

interface RenewOptions {
  /** What was wanted when the operation began: the app may have been taken down since. */
  readonly intent: Desired;
  /** Where the new backend is started. */
  directory(): Promise<string | null>;
  onMoved?(before: Snapshot): void;
}

/** The body of an update, for every operation that ends with a new backend serving. */
export async function renew<T>(
  app: App,
  choose: (snapshot: Snapshot) => Promise<Choice<T>>,
  { intent, directory, onMoved }: RenewOptions,
): Promise<T | Updated> {
  app.system.loadLauncher();
  const from = await directory();
  try {
    return await inEmptySlot<T | Updated>(app, {
      async choose(snapshot) {
        assertStillWanted(intent, snapshot);
        return choose(snapshot);
      },
      prepare: (slot) => prepareStart(app, slot, from),
      async work(slot, snapshot) {
        await using fresh = await bringUp(app, slot, from);
        await moveTraffic(app, snapshot, fresh);
        onMoved?.(snapshot);
        const { backend, logStart } = fresh;
        return { from: snapshot.active, to: slot, release: backend.release, fresh: { backend, logStart } };
      },
    });
  } catch (error) {
    // It had traffic for a moment, so it is drained like any other before it goes.
    if (error instanceof GracefulError && error.failure.code === 'verify-failed')
      await stopOld(undoing(app), error.failure.details.slot);
    throw error;
  }
}
