// Work in a slot that has to be empty first: its backend is drained without the lock, then stopped and replaced under it.
import { fail } from '../core/failure.ts';
import { drainVerdict } from '../core/plan.ts';
import type { Slot } from '../core/slot.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, assertNotAborted, msSince } from './app.ts';
import { DrainDeadlines, drain, isQuiet } from './drain.ts';
import { type Snapshot, settle } from './observe.ts';
import { takeDown } from './take-down.ts';

/** What is to be done, decided afresh each time the lock is taken: while connections drained, the world moved on. */
export type Choice<T> =
  /** Empty this slot and do the work there. */
  | { readonly slot: Slot }
  /** There is nothing to do (any more). */
  | { readonly done: T };

type Attempt<T> = { readonly result: T } | { readonly connected: BackendRecord };

export interface SlotWork<T> {
  choose(snapshot: Snapshot): Promise<Choice<T>>;
  /** The last thing before the slot's backend is stopped: what throws here leaves it warm. */
  prepare?(slot: Slot): Promise<void>;
  work(slot: Slot, snapshot: Snapshot): Promise<T>;
}

/** Chooses a slot, empties it, and does the work in it. */
export async function inEmptySlot<T>(app: App, { choose, prepare, work }: SlotWork<T>): Promise<T> {
  const deadlines = new DrainDeadlines(app);
  for (;;) {
    const attempt = await app.exclusive(async (): Promise<Attempt<T>> => {
      assertNotAborted(app);
      const snapshot = await settle(app);
      const choice = await choose(snapshot);
      if ('done' in choice) return { result: choice.done };
      const backend = snapshot.occupants[choice.slot];
      if (snapshot.active === choice.slot && backend !== null)
        throw new Error(`slot ${choice.slot} is active and was chosen to be emptied`);
      if (backend !== null && !(await mayStop(app, backend, snapshot, deadlines))) return { connected: backend };
      await prepare?.(choice.slot);
      if (backend !== null) {
        assertStillInactive(app, choice.slot);
        await takeDown(app, backend);
      }
      return { result: await work(choice.slot, snapshot) };
    });
    if ('result' in attempt) return attempt.result;
    await drain(app, attempt.connected, deadlines);
  }
}

/** Who waits for connections notices late that the lock was removed under him. @throws `aborted`, `lock-lost`, `superseded` */
function assertStillInactive(app: App, slot: Slot): void {
  assertNotAborted(app);
  if (app.system.link.read().slot === slot)
    throw fail('superseded', `another command led the traffic to slot ${slot} meanwhile`, { by: 'another command' });
}

/** Whether nobody is connected, or all have had their time. The link cannot come back meanwhile: we hold the lock. */
async function mayStop(
  app: App,
  backend: BackendRecord,
  snapshot: Snapshot,
  deadlines: DrainDeadlines,
): Promise<boolean> {
  const { slot } = backend;
  const startedAt = deadlines.startedAt(backend);
  const quiet = await isQuiet(app, backend, snapshot.link.since);
  const verdict = drainVerdict({ quiet, isOver: deadlines.isOver(backend) });
  switch (verdict) {
    case 'wait':
      return false;
    case 'drained':
    case 'timed': {
      const method = verdict === 'timed' ? 'timed' : 'socket-table';
      app.emit({ type: 'backend-drained', slot, ms: msSince(startedAt), method });
      return true;
    }
    case 'cut': {
      const connections = await app.system.connections(backend);
      const count = connections === null ? null : connections.accepted + connections.queued;
      if (count !== 0) app.emit({ type: 'connections-cut', slot, count, afterMs: msSince(startedAt) });
      return true;
    }
  }
}
