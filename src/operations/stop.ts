// Taking backends down without cutting a request: first the traffic goes, then the connections, then the process.
import { monotonicMs } from '../core/clock.ts';
import { fail, GracefulError } from '../core/failure.ts';
import type { KeptSlot, OperationInputs, Outcomes } from '../core/outcome.ts';
import { inactiveForMs, slotsToEmpty } from '../core/plan.ts';
import { otherSlot, SLOTS, type Slot } from '../core/slot.ts';
import type { Desired } from '../core/status.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, aborted, LOCK_LOST, msSince } from './app.ts';
import { type Choice, inEmptySlot } from './empty-slot.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, isReady, observe, type Snapshot, settle } from './observe.ts';

/** What became of one slot. */
type Stopped = { readonly stopped: true } | ({ readonly stopped: false } & KeptSlot);

export async function stop(app: App, input: OperationInputs['stop']): Promise<Outcomes['stop']> {
  const startedAt = monotonicMs();
  const results = input.all
    ? await stopAll(app, input.keepDesired ?? false)
    : input.inactive
      ? await stopInactive(app, input.olderThanMs)
      : await stopNamed(app, input);
  const { active } = observe(app);
  return {
    operation: 'stop',
    stopped: SLOTS.filter((slot) => results.get(slot)?.stopped === true),
    kept: [...results.values()].flatMap((result) =>
      result.stopped ? [] : [{ slot: result.slot, reason: result.reason }],
    ),
    active,
    ms: msSince(startedAt),
  };
}

/** Stops a slot that traffic has left; keeps it when traffic has come back meanwhile (a rollback). */
export const stopInactiveSlot = (app: App, slot: Slot): Promise<Stopped> =>
  stopUnless(app, slot, async (snapshot) => (snapshot.active === slot ? 'it is active' : null));

/** The same for one certain backend, and only while it is there. */
export const stopBackend = (app: App, { slot, instance }: BackendRecord): Promise<Stopped> =>
  stopUnless(app, slot, async ({ active, occupants }) =>
    active === slot || occupants[slot]?.instance !== instance ? 'another one took its place' : null,
  );

/** What is inactive now: a slot that traffic leaves while the other one drains (a rollback) was not meant. */
async function stopInactive(app: App, olderThanMs: number | null): Promise<ReadonlyMap<Slot, Stopped>> {
  const results = new Map<Slot, Stopped>();
  for (const slot of slotsToEmpty(observe(app))) results.set(slot, await stopIdle(app, slot, olderThanMs));
  return results;
}

/** For cron, which calls again: a lock that is held is no failure. */
async function stopIdle(app: App, slot: Slot, olderThanMs: number | null): Promise<Stopped> {
  try {
    return await stopUnless(app, slot, async (snapshot) => {
      if (snapshot.active === slot) return 'it is active';
      const backend = snapshot.backends[slot];
      if (backend !== null && app.system.standsBy(backend))
        return 'an update watches the new version, and goes back to this one if that fails';
      const idleMs = inactiveForMs(snapshot, slot, Date.now());
      if (olderThanMs !== null && idleMs < olderThanMs)
        return `it has been inactive for ${Math.round(idleMs / 1000)} s only`;
      // With nothing healthy active, a ready backend is what keepalive will switch to.
      if (
        snapshot.desired === 'up' &&
        !(await activeHealth(app, snapshot))?.ok &&
        (await isReady(app, snapshot.backends[slot]))
      )
        return 'it is ready and the active slot is not';
      return null;
    });
  } catch (error) {
    if (error instanceof GracefulError && error.failure.code === 'busy')
      return { stopped: false, slot, reason: error.message };
    throw error;
  }
}

async function stopNamed(app: App, { slots, force }: OperationInputs['stop']): Promise<ReadonlyMap<Slot, Stopped>> {
  const results = new Map<Slot, Stopped>();
  const { active, backends } = observe(app);
  if (!force && active !== null && slots.length === SLOTS.length && backends[active] !== null)
    throw fail('would-lose-traffic', 'both slots are named, and one of them is active', {
      slot: active,
      reason: 'nothing would be left to take its traffic; `graceful stop --all` takes the app down',
    });
  let offline: Snapshot | null = null;
  for (const slot of slots) {
    offline = (await app.exclusive(() => leave(app, slot, force))) ?? offline;
    try {
      results.set(slot, await stopInactiveSlot(app, slot));
    } catch (error) {
      if (offline !== null && app.signal.aborted) await comeBack(app, offline);
      throw error;
    }
  }
  return results;
}

/** Moves the traffic away from a slot that is to be stopped. Returns what there was, where the app was taken offline for it. */
async function leave(app: App, slot: Slot, force: boolean): Promise<Snapshot | null> {
  const snapshot = await settle(app);
  if (snapshot.active !== slot) return null;
  const other = snapshot.backends[otherSlot(slot)];
  if (other !== null && (await isReady(app, other))) {
    await moveTraffic(app, snapshot, { backend: other });
    return null;
  }
  // A dead one takes nothing with it: that the app is to be down is for --force and --all to say.
  if (!force && snapshot.occupants[slot] === null) return null;
  if (!force)
    throw fail(
      'would-lose-traffic',
      `slot ${slot} is active and slot ${otherSlot(slot)} is not ready to take its traffic`,
      {
        slot,
        reason: `slot ${otherSlot(slot)} is ${other === null ? 'stopped' : 'unready'}`,
      },
    );
  takeOffline(app, snapshot);
  return snapshot;
}

async function stopAll(app: App, keepDesired: boolean): Promise<ReadonlyMap<Slot, Stopped>> {
  const before = await app.exclusive(async () => {
    const snapshot = await settle(app);
    if (keepDesired) removeLink(app, snapshot);
    else takeOffline(app, snapshot);
    return snapshot;
  });
  const whyKeep = async ({ desired, link }: Snapshot): Promise<string | null> =>
    (keepDesired ? link.target !== null : desired === 'up') ? 'the app was started again meanwhile' : null;
  // Side by side: one drain timeout for both. Each takes the lock for itself.
  const results = await Promise.allSettled(SLOTS.map((slot) => stopUnless(app, slot, whyKeep)));
  const failure = results.find((result) => result.status === 'rejected');
  if (failure !== undefined) {
    if (app.signal.aborted) await comeBack(app, before);
    throw failure.reason;
  }
  return new Map(
    results.flatMap((result, index) => (result.status === 'fulfilled' ? [[SLOTS[index] as Slot, result.value]] : [])),
  );
}

/** Desired down before anything else: from here on keepalive leaves the app alone. Both or, where the link stays, neither. */
function takeOffline(app: App, snapshot: Snapshot): void {
  want(app, 'down');
  try {
    removeLink(app, snapshot);
  } catch (error) {
    want(app, snapshot.desired);
    throw error;
  }
}

function want(app: App, desired: Desired): void {
  app.system.desired.write(desired, app.operation);
  app.emit({ type: 'desired-changed', desired });
}

/** Without the link no new request comes. */
function removeLink(app: App, snapshot: Snapshot): void {
  if (snapshot.link.target === null) return;
  app.system.link.remove();
  app.emit({ type: 'link-removed', from: snapshot.active });
}

/**
 * Ctrl-C while connections drain: what still runs serves again.
 * @throws `not-serving` when what had the traffic has been stopped already.
 */
async function comeBack(app: App, before: Snapshot): Promise<void> {
  await app.undo(async () => {
    const now = observe(app);
    if (before.active === null || now.active !== null) return;
    if (now.backends[before.active] === null) {
      if (before.backends[before.active] === null || app.signal.reason === LOCK_LOST) return;
      const reason = `slot ${before.active} had been stopped before ${String(app.signal.reason)} came`;
      throw fail('not-serving', `nothing ready is serving: ${reason}`, { reason });
    }
    app.system.desired.write(before.desired, app.operation);
    app.system.link.point(before.active);
    app.emit({ type: 'traffic-restored', to: before.active, reason: aborted(app).message });
  });
}

/** Drains and stops a slot, unless `why` gives a reason to keep it; asked again after the drain. */
function stopUnless(app: App, slot: Slot, why: (snapshot: Snapshot) => Promise<string | null>): Promise<Stopped> {
  return inEmptySlot<Stopped>(app, {
    async choose(snapshot): Promise<Choice<Stopped>> {
      if (snapshot.occupants[slot] === null) return { done: { stopped: false, slot, reason: 'it is not running' } };
      const reason = await why(snapshot);
      return reason === null ? { slot } : { done: { stopped: false, slot, reason } };
    },
    work: async () => ({ stopped: true }),
  });
}
