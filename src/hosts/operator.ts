// Runs one operation on one app: gives it the lock, a way to be aborted, and a sink for its events; turns whatever it
// throws into a failure. Both hosts use it, and no operation can tell which.
import { monotonicMs } from '../core/clock.ts';
import type { EventSink, GracefulEvent, OperationName } from '../core/events.ts';
import { GracefulError } from '../core/failure.ts';
import type { Caller, HistoryEntry } from '../core/history.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import { TrafficTrail } from '../core/traffic-trail.ts';
import { type App, aborted, LOCK_LOST } from '../operations/app.ts';
import { OPERATIONS } from '../operations/index.ts';
import type { AppSystem } from '../system/app-system.ts';
import type { Lock } from '../system/lock.ts';
import { MutexQueue } from './mutex-queue.ts';
import type { Done } from './record.ts';

export interface RunningOperation<Name extends OperationName> {
  /** @throws only GracefulError. */
  readonly outcome: Promise<Outcomes[Name]>;
  /** Asks to undo what was done so far; after the switch it is too late, which an event says, and nothing more is begun. */
  abort(by: string): void;
  /** Ends what only watches; what is at work goes on. */
  dismiss(): void;
}

export interface OperationOptions {
  readonly emit: EventSink;
  /** How long to wait for another operation, milliseconds. */
  readonly waitMs: number;
  /** Aborted when nothing shall be waited for any longer: drains end as if their time were up. */
  readonly hurry?: AbortSignal;
  /** Who asks, for the history. Called only when there is something to write down. */
  caller(): Promise<Caller>;
  readonly host: HistoryEntry['host'];
}

/** Not even a line in the history, whatever comes of it. */
const CHANGES_NOTHING: ReadonlySet<OperationName> = new Set(['plan']);

/** Whatever the operator said about waiting: what was begun is not left half undone. */
const UNDO_PATIENCE_MS = 10_000;

export function runOperation<Name extends OperationName>(
  system: AppSystem,
  name: Name,
  input: OperationInputs[Name],
  options: OperationOptions,
): RunningOperation<Name> {
  const at = new Date();
  const startedAt = monotonicMs();
  const events: GracefulEvent[] = [];
  const abortion = new Abortion((event) => {
    if (event.type !== 'waiting' && event.type !== 'still-waiting') events.push(event);
    options.emit(event);
  });
  // Both slots of an operation, side by side.
  const queue = new MutexQueue();
  const app: App = {
    config: system.config,
    system,
    emit: abortion.emit,
    signal: abortion.signal,
    dismissed: abortion.dismissed,
    movedTo: () => abortion.movedTo,
    hurry: options.hurry ?? new AbortController().signal,
    operation: name,
    exclusive: (work) => locked(work, abortion.signal, options.waitMs),
    undo: (work) => locked(work, new AbortController().signal, Math.max(options.waitMs, UNDO_PATIENCE_MS)),
  };
  function locked<T>(work: () => Promise<T>, signal: AbortSignal, waitMs: number): Promise<T> {
    return queue.run(async () => {
      await system.open();
      await using _lock = await lock(signal, waitMs);
      return await work();
    });
  }
  async function lock(signal: AbortSignal, waitMs: number): Promise<Lock> {
    const onLost = (): void => abortion.abort(LOCK_LOST);
    try {
      return await system.lock({ operation: name, waitMs, signal, emit: abortion.emit, onLost });
    } catch (error) {
      // The lock knows nothing of what was done before.
      if (signal.aborted && abortion.movedTo !== null) throw aborted(app);
      throw error;
    }
  }
  const remember = async (end: Done['end']): Promise<void> => {
    if (CHANGES_NOTHING.has(name) || (!('failure' in end) && events.length === 0)) return;
    const ms = Math.round(monotonicMs() - startedAt);
    const done = { operation: name, at, ms, events, end, caller: options.caller, host: options.host };
    await import('./record.ts')
      .then(({ record }) => record(system, done))
      .catch((error: unknown) =>
        app.emit({ type: 'warned', about: 'the history', detail: GracefulError.from(error).message }),
      );
  };
  return {
    outcome: perform(app, name, input, remember),
    abort: (by) => abortion.abort(by),
    dismiss: () => abortion.dismiss(),
  };
}

async function perform<Name extends OperationName>(
  app: App,
  name: Name,
  input: OperationInputs[Name],
  remember: (end: Done['end']) => Promise<void>,
): Promise<Outcomes[Name]> {
  try {
    const operation = await OPERATIONS[name]();
    const outcome = await operation(app, input);
    await remember({ outcome });
    return outcome;
  } catch (thrown) {
    const error = GracefulError.from(thrown);
    await remember(error);
    if (!CHANGES_NOTHING.has(name)) await afterFailure(app, error);
    throw error;
  }
}

/** The user's hook hears of failures of the app, not of a lock that somebody holds or a mistyped command. */
async function afterFailure(app: App, { failure }: GracefulError): Promise<void> {
  if (app.config.hooks.afterFailure === null || failure.code === 'busy' || failure.code === 'aborted') return;
  const { runAfterFailure } = await import('../operations/hooks.ts');
  await runAfterFailure(app, failure).catch((error: unknown) =>
    app.emit({ type: 'hook-failed', hook: 'afterFailure', reason: GracefulError.from(error).message, output: [] }),
  );
}

/** The operator's change of mind, and the moment from which it comes too late to undo. */
class Abortion {
  readonly emit: EventSink;
  readonly #controller = new AbortController();
  readonly #dismissal = new AbortController();
  readonly #trail = new TrafficTrail();
  #isCommitted = false;

  constructor(sink: EventSink) {
    this.emit = (event: GracefulEvent) => {
      this.#trail.see(event);
      if (event.type === 'traffic-switched') this.#isCommitted = true;
      // What is started after a switch (restart) can be undone by itself.
      if (event.type === 'traffic-restored' || event.type === 'backend-started') this.#isCommitted = false;
      sink(event);
    };
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get movedTo(): Slot | null {
    return this.#trail.movedTo;
  }

  /** Aborted when what only watches shall end. */
  get dismissed(): AbortSignal {
    return this.#dismissal.signal;
  }

  dismiss(): void {
    this.#dismissal.abort();
  }

  abort(by: string): void {
    if (this.signal.aborted) return;
    if (this.#isCommitted) {
      const reason = 'traffic has already been switched, and that stands; `graceful rollback` goes back';
      this.emit({ type: 'abort-refused', reason });
      this.dismiss();
    } else {
      this.emit({ type: 'abort-requested', by });
    }
    this.#controller.abort(by);
  }
}
