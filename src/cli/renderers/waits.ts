// What is being waited for right now. The next event about a slot ends its wait; the lock is had as soon as anything else happens.
import type { GracefulEvent } from '../../core/events.ts';
import type { Slot } from '../../core/slot.ts';

type WaitTarget = (GracefulEvent & { readonly type: 'waiting' })['for'];

export interface Wait {
  readonly for: WaitTarget;
  readonly slot: Slot | null;
  readonly sinceMs: number;
  /** Seen last; empty if nothing was seen so far. */
  readonly detail: string;
}

/** Follows the stream; `latest` is the wait that began last and goes on. */
export class Waits {
  readonly #waits = new Map<Slot | null, Wait>();

  follow(event: GracefulEvent, nowMs: number): void {
    const slot = 'slot' in event ? (event.slot ?? null) : null;
    if (event.type === 'still-waiting') {
      const sinceMs = nowMs - event.elapsedMs;
      // Set in place if it is known: the order of the waits stays as it was.
      this.#waits.set(slot, { for: event.for, slot, sinceMs, detail: event.detail });
      return;
    }
    this.#waits.delete(null);
    this.#waits.delete(slot);
    if (event.type === 'waiting')
      this.#waits.set(slot, { for: event.for, slot, sinceMs: nowMs, detail: event.detail ?? '' });
  }

  latest(): Wait | null {
    return [...this.#waits.values()].at(-1) ?? null;
  }

  clear(): void {
    this.#waits.clear();
  }
}
