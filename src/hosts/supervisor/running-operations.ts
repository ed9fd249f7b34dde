// The operations of one app that run in this supervisor: told to the hub from beginning to end, and known until then.
import type { EventSink, OperationName } from '../../core/events.ts';
import { GracefulError } from '../../core/failure.ts';
import type { Caller } from '../../core/history.ts';
import type { OperationInputs } from '../../core/outcome.ts';
import type { AppSystem } from '../../system/app-system.ts';
import { type OperationOptions, type RunningOperation, runOperation } from '../operator.ts';
import type { EventHub } from './event-hub.ts';

export interface RequestedOperation<Name extends OperationName> {
  readonly input: OperationInputs[Name];
  readonly waitMs: number;
  /** Who asked, for the journal. */
  readonly by: string;
  /** The same for the history, where a command asks. */
  readonly caller?: Caller | null;
  /** Hears the events of this operation only. */
  readonly emit?: EventSink;
}

export class RunningOperations {
  readonly #hub: EventHub;
  readonly #running = new Map<Promise<unknown>, RunningOperation<OperationName>>();

  constructor(hub: EventHub) {
    this.#hub = hub;
  }

  get isEmpty(): boolean {
    return this.#running.size === 0;
  }

  begin<Name extends OperationName>(
    system: AppSystem,
    name: Name,
    request: RequestedOperation<Name>,
    hurry: NonNullable<OperationOptions['hurry']>,
  ): RunningOperation<Name> {
    const { input, waitMs, by, emit } = request;
    const startedAt = performance.now();
    this.#hub.emit({ type: 'operation-started', operation: name, by });
    const running = runOperation(system, name, input, {
      emit: (event) => {
        this.#hub.emit(event);
        emit?.(event);
      },
      waitMs,
      hurry,
      caller: async () => request.caller ?? (await import('../../system/caller.ts')).callerSaid(request),
      host: 'supervisor',
    });
    const told = running.outcome.then(
      () =>
        this.#hub.emit({ type: 'operation-completed', operation: name, ms: Math.round(performance.now() - startedAt) }),
      (error: unknown) => {
        const { code, message } = GracefulError.from(error).failure;
        this.#hub.emit({ type: 'operation-failed', operation: name, code, message });
      },
    );
    this.#running.set(told, running);
    void told.finally(() => this.#running.delete(told));
    return running;
  }

  /** Asks what is at work to undo what it has done. */
  abort(by: string): void {
    for (const running of this.#running.values()) running.abort(by);
  }

  /** Ends what only watches. */
  dismiss(): void {
    for (const running of this.#running.values()) running.dismiss();
  }

  /** Resolves when what is at work now has ended, and its end has been told. */
  async ended(): Promise<void> {
    await Promise.all(this.#running.keys());
  }
}
