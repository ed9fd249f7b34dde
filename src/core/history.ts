// What was done to an app, one entry per operation that changed something or failed to: plain JSON, one line each on disk.
import type { OperationName } from './events.ts';
import type { FailureCode } from './failure.ts';
import type { Slot } from './slot.ts';

/** What a command was started by, as far as its ancestors in /proc or its terminal make that certain. */
export type CalledVia = 'cron' | 'ssh' | 'systemd' | 'git' | 'hook' | 'terminal' | 'supervisor';

/** Who asked for an operation. Null is what cannot be known: anybody may POST to a control socket. */
export interface Caller {
  readonly user: string | null;
  /** Who became that user by sudo. */
  readonly sudoUser: string | null;
  readonly pid: number | null;
  readonly via: CalledVia | null;
  /** The command line; for what a supervisor does by itself, what made it do so. */
  readonly command: string;
}

/** `refused`: nothing was done, because another operation was at work or it would have cost requests. */
export type HistoryResult = 'done' | 'failed' | 'refused';

export interface HistoryEntry {
  /** When it began, ISO 8601. */
  readonly at: string;
  readonly ms: number;
  readonly operation: OperationName;
  readonly result: HistoryResult;
  readonly code: FailureCode | null;
  /** Why it failed or was refused; for keepalive, what it repaired. */
  readonly reason: string | null;
  /** The active slot before and after. */
  readonly from: Slot | null;
  readonly to: Slot | null;
  readonly started: readonly Slot[];
  readonly stopped: readonly Slot[];
  /** Of the backend that was started last; where none was, of the one that is active. */
  readonly release: string | null;
  /** The operation that was killed in the middle, and whose lock this one took over. */
  readonly after: { readonly operation: string | null; readonly pid: number | null } | null;
  readonly by: Caller;
  readonly host: 'one-shot' | 'supervisor';
}
