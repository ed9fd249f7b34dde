// What has to be taken down at the end, last come first. (Node 20 has no AsyncDisposableStack.)
export class Belongings implements AsyncDisposable {
  readonly #owned: AsyncDisposable[] = [];
  #closed = false;

  /** What comes after the end goes at once. */
  own(resource: AsyncDisposable): void {
    if (this.#closed) void resource[Symbol.asyncDispose]();
    else this.#owned.push(resource);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    const errors: unknown[] = [];
    for (const resource of this.#owned.reverse()) {
      try {
        await resource[Symbol.asyncDispose]();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
