// What an operation is given: one app, the system behind it, and where to tell what happens. No operation knows which
// host it runs in.
import { monotonicMs } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { EventSink } from '../core/events.ts';
import { fail } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import type { AppSystem } from '../system/app-system.ts';

export interface App {
  readonly config: Config;
  readonly system: AppSystem;
  readonly emit: EventSink;
  /**
   * Aborted when the operator asks to stop; its reason says by what. Before a switch what was done is undone; after it that
   * stands, and nothing more is begun.
   */
  readonly signal: AbortSignal;
  /** Aborted when it is too late to undo, and when the host leaves: what only watches ends. */
  readonly dismissed: AbortSignal;
  /** Where this operation has led the traffic; null as long as that is where it was. */
  movedTo(): Slot | null;
  /** Aborted when nothing shall be waited for any longer: drains end as if their time were up. */
  readonly hurry: AbortSignal;
  /** What the history and the lock holder's file call this operation. */
  readonly operation: string;
  /** Does the work as the only one that changes this app. Not reentrant, and never held while connections drain. */
  exclusive<T>(work: () => Promise<T>): Promise<T>;
  /** The same for taking something back: it waits for its turn even though the operation was aborted. */
  undo<T>(work: () => Promise<T>): Promise<T>;
}

/** The same app for taking something back: that is finished, whatever the operator wants. */
export const undoing = (app: App): App => ({ ...app, signal: new AbortController().signal, exclusive: app.undo });

/** Before anything is begun. @throws `aborted` when the operator asked to stop, or `lock-lost`. */
export function assertNotAborted(app: App): void {
  if (app.signal.aborted) throw aborted(app);
}

/** Why the operation does not go on: the operator's wish, or the loss of the lock. */
export function aborted({ signal, system, movedTo }: App) {
  if (signal.reason === LOCK_LOST)
    return fail('lock-lost', 'the lock was taken away from this operation', { path: system.paths.lock });
  const by = String(signal.reason);
  const to = movedTo();
  const when = to === null ? 'before the switch' : `after traffic had moved to slot ${to}`;
  return fail('aborted', `aborted by ${by} ${when}`, to === null ? { by } : { by, movedTo: to });
}

/** The reason with which `signal` is aborted when somebody removes the lock under us. */
export const LOCK_LOST = 'the loss of the lock';

/** Milliseconds since a {@link monotonicMs}. */
export const msSince = (startedAt: number): number => Math.round(monotonicMs() - startedAt);
