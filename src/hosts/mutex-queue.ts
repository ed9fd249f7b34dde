// One at a time within this process, in the order of asking.

export class MutexQueue {
  #tail: Promise<unknown> = Promise.resolve();

  run<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#tail.then(work, work);
    this.#tail = result.catch(() => undefined); // the caller gets the error; the next one does not care
    return result;
  }
}
