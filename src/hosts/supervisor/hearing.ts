// Listens to the backends of one app for as long as they live, so that what they say after their start is known too.
import type { BackendRecord } from '../../system/backend-record.ts';

export class Hearing {
  readonly #heard = new Map<string, Disposable>();

  /** Until {@link end}, or until that backend has gone. */
  keep({ instance }: BackendRecord, announcements: Disposable): void {
    this.forget({ instance });
    this.#heard.set(instance, announcements);
  }

  forget({ instance }: Pick<BackendRecord, 'instance'>): void {
    this.#heard.get(instance)?.[Symbol.dispose]();
    this.#heard.delete(instance);
  }

  end(): void {
    for (const instance of [...this.#heard.keys()]) this.forget({ instance });
  }
}
