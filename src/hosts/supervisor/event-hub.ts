// One app's events, to whoever listens: the journal, clients of /events, metrics. A listener can neither fail nor block.
import type { GracefulEvent, SupervisorEvent } from '../../core/events.ts';

export type HostEvent = GracefulEvent | SupervisorEvent;

/** An event with the stamp that the host puts on it. */
export type StampedEvent = HostEvent & { readonly app: string; readonly at: string; readonly seq: number };

export class EventHub {
  readonly #app: string;
  readonly #listeners = new Set<(event: StampedEvent) => void>();
  #seq = 0;

  constructor(app: string) {
    this.#app = app;
  }

  /** Returns how to stop listening. */
  listen(listener: (event: StampedEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  readonly emit = (event: HostEvent): StampedEvent => {
    const stamped: StampedEvent = { ...event, app: this.#app, at: new Date().toISOString(), seq: this.#seq++ };
    for (const listener of this.#listeners) listener(stamped);
    return stamped;
  };
}
