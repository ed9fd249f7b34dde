// The state of one app as `status --json` prints it (README, docs/json.md): computed from the system on demand, never cached.
import type { Connections } from './events.ts';
import type { HistoryEntry } from './history.ts';
import type { Slot } from './slot.ts';

/** What the operator wants, kept on disk. */
export type Desired = 'up' | 'down';

export type BackendState =
  /** No process of ours in the slot. */
  | 'stopped'
  /** Started by us, never ready so far, and still within `startTimeout`. */
  | 'starting'
  /** Passes its health check. */
  | 'ready'
  /** Runs and does not pass its health check. */
  | 'unready'
  /** The stop signal was sent and the process is still there. */
  | 'stopping';

export interface Health {
  readonly ok: boolean;
  /** What the probe saw: `200 OK`, `connection refused`. */
  readonly detail: string;
  readonly ms: number;
}

export interface SlotStatus {
  readonly name: Slot;
  readonly state: BackendState;
  readonly active: boolean;
  readonly pid: number | null;
  /** ISO 8601. */
  readonly startedAt: string | null;
  readonly uptimeMs: number | null;
  /** Null where the kernel's count cannot be had. */
  readonly connections: Connections | null;
  /** Resident memory and CPU time of the backend and all its descendants. */
  readonly rssBytes: number | null;
  readonly cpuMs: number | null;
  readonly socket: string;
  /** The working directory it was started in, symlinks resolved. */
  readonly cwd: string | null;
  /** The git commit, or the resolved release directory, that it was started with. */
  readonly release: string | null;
  readonly health: Health | null;
  /** With `workers` of more than one: those that run, by their numbers. Else empty. */
  readonly workers: readonly WorkerStatus[];
}

/** One of the processes that share a slot's socket. */
export interface WorkerStatus {
  readonly index: number;
  readonly pid: number;
  readonly uptimeMs: number;
  /** With its descendants. */
  readonly rssBytes: number;
  readonly cpuMs: number;
}

export interface StatusReport {
  readonly name: string;
  readonly stateDir: string;
  readonly config: string | null;
  readonly desired: Desired;
  readonly active: Slot | null;
  readonly link: { readonly path: string; readonly target: string | null };
  readonly supervisor: SupervisorStatus | null;
  /** How the newest update ended, or what came after it and put a version into service; null where the history does not say. */
  readonly lastUpdate: LastUpdate | null;
  readonly slots: readonly SlotStatus[];
}

export type LastUpdate = Pick<HistoryEntry, 'at' | 'operation' | 'result' | 'code' | 'reason'>;

/** The long-lived host of this app, and what it is about to do. */
export interface SupervisorStatus {
  readonly pid: number;
  /** Set while a backend that keeps dying is waited for. */
  readonly retry: Retry | null;
}

export interface Retry {
  /** How many attempts did not last. */
  readonly attempts: number;
  readonly reason: string;
  /** ISO 8601. */
  readonly nextTryAt: string;
}
