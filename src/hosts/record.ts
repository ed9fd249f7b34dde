// Writes down what an operation did, from the events that it told. Loaded only where there is something to write: a
// healthy keepalive never is.
import type { GracefulEvent, OperationName } from '../core/events.ts';
import type { FailureRecord } from '../core/failure.ts';
import type { Caller, HistoryEntry, HistoryResult } from '../core/history.ts';
import type { Outcome } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import type { AppSystem } from '../system/app-system.ts';

export interface Done {
  readonly operation: OperationName;
  readonly at: Date;
  /** Not the difference of two looks at the clock on the wall, which may be set meanwhile. */
  readonly ms: number;
  readonly events: readonly GracefulEvent[];
  readonly end: { readonly outcome: Outcome } | { readonly failure: FailureRecord };
  caller(): Promise<Caller>;
  readonly host: HistoryEntry['host'];
}

/** What changed nothing is not written. @throws whatever keeps it from being written. */
export async function record(system: AppSystem, done: Done): Promise<void> {
  // A state dir that cannot be trusted is not written to.
  const isWorthIt = 'failure' in done.end ? done.end.failure.code !== 'state-dir' : done.events.some(isChange);
  if (isWorthIt) await system.remember(await entryOf(system, done));
}

const CHANGES: ReadonlySet<GracefulEvent['type']> = new Set([
  'lock-taken-over',
  'desired-changed',
  'backend-started',
  'traffic-switched',
  'traffic-restored',
  'link-removed',
  'backend-stopped',
]);

const isChange = ({ type }: GracefulEvent): boolean => CHANGES.has(type);

const REFUSALS: ReadonlySet<FailureRecord['code']> = new Set([
  'busy',
  'slot-not-ready',
  'would-lose-traffic',
  'cannot-roll-back',
]);
const MAX_REASON = 500;

async function entryOf(system: AppSystem, done: Done): Promise<HistoryEntry> {
  const { operation, events, end, host } = done;
  const failure = 'failure' in end ? end.failure : null;
  const of = <Type extends GracefulEvent['type']>(type: Type) =>
    events.filter((event): event is Extract<GracefulEvent, { type: Type }> => event.type === type);
  const to = system.link.read().slot;
  const left = events.find((event) => event.type === 'traffic-switched' || event.type === 'link-removed');
  const started = of('backend-started');
  const [takenOver] = of('lock-taken-over');
  return {
    at: done.at.toISOString(),
    ms: done.ms,
    operation,
    result: resultOf(failure),
    code: failure?.code ?? null,
    reason: reasonOf(end)?.slice(0, MAX_REASON) ?? null,
    from: left === undefined ? to : (left as { readonly from: Slot | null }).from,
    to,
    started: unique(started.map(({ slot }) => slot)),
    stopped: unique(of('backend-stopped').map(({ slot }) => slot)),
    release: started.at(-1)?.release ?? releaseIn(system, to),
    after: takenOver === undefined ? null : { operation: takenOver.operation, pid: takenOver.pid },
    by: await done.caller(),
    host,
  };
}

function resultOf(failure: FailureRecord | null): HistoryResult {
  if (failure === null) return 'done';
  return REFUSALS.has(failure.code) ? 'refused' : 'failed';
}

function reasonOf(end: Done['end']): string | null {
  if ('failure' in end) return end.failure.message;
  return end.outcome.operation === 'keepalive' ? end.outcome.reason : null;
}

function releaseIn(system: AppSystem, slot: Slot | null): string | null {
  const state = slot === null ? null : system.record(slot);
  return state?.kind === 'alive' ? state.record.release : null;
}

const unique = (slots: readonly Slot[]): readonly Slot[] => [...new Set(slots)];
