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
  /** Aborted when the operator wants the operation undone; its reason says by what. */
  readonly signal: AbortSignal;
  /** Aborted when the operator asks to stop after a switch: that stands, and nothing more is begun. Its reason says by what. */
  readonly lateAbort: AbortSignal;
  /** Aborted with it, and when the host leaves: what only watches ends. */
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

/** Before anything is begun. @throws `aborted` when the operator asked to stop, or `lock-lost`. */
export function assertNotAborted(app: App): void {
  if (abortReason(app) !== null) throw aborted(app);
}

/** By what the operation was asked to stop, before or after a switch; null if it was not. */
export function abortReason({ signal, lateAbort }: App): string | null {
  const asked = [signal, lateAbort].find(({ aborted: isAborted }) => isAborted);
  return asked === undefined ? null : String(asked.reason);
}

/** Why the operation does not go on: the operator's wish, or the loss of the lock. */
export function aborted(app: App) {
  const by = abortReason(app) ?? 'nobody';
  if (by === LOCK_LOST)
    return fail('lock-lost', 'the lock was taken away from this operation', { path: app.system.paths.lock });
  const to = app.movedTo();
  const when = to === null ? 'before the switch' : `after traffic had moved to slot ${to}`;
  return fail('aborted', `aborted by ${by} ${when}`, to === null ? { by } : { by, movedTo: to });
}

/** The reason with which `signal` is aborted when somebody removes the lock under us. */
export const LOCK_LOST = 'the loss of the lock';

/** Milliseconds since a {@link monotonicMs}. */
export const msSince = (startedAt: number): number => Math.round(monotonicMs() - startedAt);
