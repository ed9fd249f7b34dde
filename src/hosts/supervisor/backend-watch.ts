// Notices within 200 ms that a backend has gone: a child of ours by its exit, an adopted one by looking at it.
import type { Slot } from '../../core/slot.ts';
import type { BackendRecord } from '../../system/backend-record.ts';
import type { Exit, LaunchedBackend } from '../../system/launcher.ts';
import { isAlive } from '../../system/processes/identity.ts';

const LOOK_EVERY_MS = 150;

export interface Death {
  readonly slot: Slot;
  readonly record: BackendRecord;
  readonly exit: Exit;
}

/** One for all apps of a supervisor: adopted backends share one timer, which runs only while there are any. */
export class BackendWatch {
  readonly #adopted = new Map<string, { readonly record: BackendRecord; readonly onDeath: (death: Death) => void }>();
  readonly #children = new Set<string>();
  #timer: NodeJS.Timeout | null = null;

  knows({ instance }: BackendRecord): boolean {
    return this.#children.has(instance) || this.#adopted.has(instance);
  }

  /** A child: the kernel tells. */
  follow({ record, exited }: LaunchedBackend, onDeath: (death: Death) => void): void {
    this.#children.add(record.instance);
    void exited.then((exit) => {
      this.#children.delete(record.instance);
      onDeath({ slot: record.slot, record, exit });
    });
  }

  /** Somebody else's child: it has to be looked at. */
  adopt(record: BackendRecord, onDeath: (death: Death) => void): void {
    this.#adopted.set(record.instance, { record, onDeath });
    this.#timer ??= setInterval(() => this.#look(), LOOK_EVERY_MS);
  }

  close(): void {
    if (this.#timer !== null) clearInterval(this.#timer);
    this.#timer = null;
    this.#adopted.clear();
  }

  #look(): void {
    for (const [instance, { record, onDeath }] of this.#adopted) {
      if (!hasGone(record)) continue;
      this.#adopted.delete(instance);
      onDeath({ slot: record.slot, record, exit: { exitCode: null, signal: null } });
    }
    if (this.#adopted.size === 0) this.close();
  }
}

/** Certainly: where /proc cannot be read (EMFILE), the next look tells. */
function hasGone(record: BackendRecord): boolean {
  try {
    return !isAlive(record);
  } catch {
    return false;
  }
}
