// Where an operation has led the traffic, as its events tell it: what a failure may say about traffic depends on it.
import type { GracefulEvent } from './events.ts';
import type { Slot } from './slot.ts';

export class TrafficTrail {
  #from: Slot | null | undefined;
  #to: Slot | null = null;

  see(event: GracefulEvent): void {
    if (event.type === 'traffic-switched') {
      if (this.#from === undefined) this.#from = event.from;
      this.#to = event.to === this.#from ? null : event.to;
    } else if (event.type === 'traffic-restored') {
      this.#to = this.#from === undefined || event.to === this.#from ? null : event.to;
    }
  }

  /** Null as long as it is where it was, or is there again. */
  get movedTo(): Slot | null {
    return this.#to;
  }
}
