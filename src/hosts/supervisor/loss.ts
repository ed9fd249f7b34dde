// What the death of a backend means to its app.
import type { AppSystem } from '../../system/app-system.ts';
import type { BackendRecord } from '../../system/backend-record.ts';
import { startedMsAgo } from '../../system/processes/age.ts';
import type { Death } from './backend-watch.ts';

export interface Loss {
  readonly reason: string;
  /** Whether anybody may have been served by it: not while a living backend in the other slot is active. */
  readonly served: boolean;
  /** Since it passed its gate. */
  readonly readyForMs: number;
}

/** Null for one that was stopped on purpose, was replaced, or is not ready yet: an operation is at work and deals with it. */
export function lossOf({ slot, record, exit }: Death, system: AppSystem, { isBusy }: { isBusy: boolean }): Loss | null {
  const state = system.record(slot);
  if (state.kind === 'none' || state.kind === 'invalid' || state.record.instance !== record.instance) return null;
  const { stoppingAt, readyAt } = state.record;
  if (stoppingAt !== null || (readyAt === null && isBusy)) return null;
  const { slot: active } = system.link.read();
  const servedByOther = active !== null && active !== slot && system.record(active).kind === 'alive';
  const why = exit.signal === null ? `exited with code ${exit.exitCode ?? 'unknown'}` : `was killed by ${exit.signal}`;
  return {
    reason: `the backend in slot ${slot} ${why}`,
    served: !servedByOther,
    readyForMs: readyForMs(state.record),
  };
}

/** By the kernel's own count since its start, less what it took to become ready: the clock may have jumped since. */
export function readyForMs(record: Pick<BackendRecord, 'startTicks' | 'startedAt' | 'readyAt'>): number {
  const { startedAt, readyAt } = record;
  if (readyAt === null) return 0;
  const tookMs = Date.parse(readyAt) - Date.parse(startedAt);
  return Math.max(0, startedMsAgo(record) - tookMs);
}
