// How long a probe may go on.

/**
 * Over when the time is up or the caller's signal is aborted, whichever comes first. A timer and a listener: AbortSignals
 * composed by `timeout` and `any` would cost each `keepalive` a millisecond.
 */
export class Limit implements Disposable {
  #isOver = false;
  #timedOut = false;
  #whenOver: () => void = () => undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #signal: AbortSignal | undefined;

  constructor(ms: number, signal: AbortSignal | undefined) {
    this.#timer = setTimeout(() => {
      this.#timedOut = true;
      this.#end();
    }, ms);
    this.#signal = signal;
    if (signal?.aborted) this.#isOver = true;
    else signal?.addEventListener('abort', this.#end);
  }

  /** The time was up before anybody else ended it. */
  get timedOut(): boolean {
    return this.#timedOut;
  }

  /** Calls back once, at once if it is over already. */
  whenOver(callback: () => void): void {
    if (this.#isOver) callback();
    else this.#whenOver = callback;
  }

  /** For what takes a signal; the one of the limit's only user. */
  asSignal(): AbortSignal {
    const controller = new AbortController();
    this.whenOver(() => controller.abort());
    return controller.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener('abort', this.#end);
  }

  readonly #end = (): void => {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#whenOver();
  };
}
