// Who listens at a slot's socket and is in no record: a backend whose record was lost, one of another pid namespace, or a
// process of somebody else's. It is never signalled, and nothing can be started there.
import type { PerSlot, Slot } from '../core/slot.ts';
import type { App } from './app.ts';
import type { Snapshot } from './observe.ts';

export async function isStrange({ system }: App, { occupants }: Snapshot, slot: Slot): Promise<boolean> {
  return occupants[slot] === null && !(await system.nobodyListens(slot));
}

/** The snapshot with what has to be known besides it to choose where a backend is started. */
export async function withStrangers(
  app: App,
  snapshot: Snapshot,
): Promise<Snapshot & { readonly strangers: PerSlot<boolean> }> {
  const strangers = { a: await isStrange(app, snapshot, 'a'), b: await isStrange(app, snapshot, 'b') };
  return { ...snapshot, strangers };
}
