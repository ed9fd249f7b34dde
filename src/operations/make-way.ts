// A new backend in the slot that the link leads to.
import type { Slot } from '../core/slot.ts';
import type { App } from './app.ts';
import type { Snapshot } from './observe.ts';

/** What was made way for. Leaving the scope while nothing is behind the link leads it back: which slot is active is not forgotten. */
export interface Way extends Disposable {
  /** Whether the link led there. */
  readonly isActive: boolean;
}

/**
 * Where the link leads to a slot in which nothing runs: without it nobody can come before a new backend is ready.
 * @throws `socket-in-use` when somebody listens there all the same (a backend whose record was lost): he keeps his traffic.
 */
export async function makeWay(app: App, { active, backends }: Snapshot, slot: Slot): Promise<Way> {
  const { link } = app.system;
  const isActive = slot === active && backends[slot] === null;
  if (isActive) {
    await app.system.checkSocket(slot);
    link.remove();
    app.emit({ type: 'link-removed', from: slot });
  }
  return {
    isActive,
    [Symbol.dispose]() {
      if (isActive && link.read().target === null) link.point(slot);
    },
  };
}
