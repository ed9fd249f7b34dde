// Everything that can be told about an operation while it runs: facts, in the past tense, as plain JSON.
// One closed union: a new event breaks the build until every renderer answers for it.
import type { FailureRecord } from './failure.ts';
import type { Slot } from './slot.ts';

export type OperationName = 'start' | 'stop' | 'restart' | 'switch' | 'rollback' | 'update' | 'plan' | 'keepalive';

/** How it was known that no connection was left. */
export type DrainMethod =
  /** The kernel's socket table showed none. */
  | 'socket-table'
  /** The count could not be had: the whole drain timeout was waited out. */
  | 'timed';

export interface Connections {
  /** Accepted by the backend and still open. */
  readonly accepted: number;
  /** In the listener's backlog, not yet accepted. */
  readonly queued: number;
}

export type GracefulEvent =
  /** Something is being waited for; the next event about that slot ends the wait. */
  | {
      readonly type: 'waiting';
      readonly for: 'lock' | 'ready' | 'drain' | 'exit' | 'warm-up' | 'watch' | 'release';
      readonly slot?: Slot;
      readonly timeoutMs: number;
      readonly detail?: string;
    }
  /** The wait goes on: what was seen last. */
  | {
      readonly type: 'still-waiting';
      readonly for: 'lock' | 'ready' | 'drain' | 'exit' | 'warm-up' | 'watch' | 'release';
      readonly slot?: Slot;
      readonly elapsedMs: number;
      readonly detail: string;
    }
  /** A lock whose holder is dead was taken over. */
  | { readonly type: 'lock-taken-over'; readonly pid: number | null; readonly operation: string | null }
  | { readonly type: 'desired-changed'; readonly desired: 'up' | 'down' }
  | { readonly type: 'hook-succeeded'; readonly hook: HookName; readonly ms: number }
  | {
      readonly type: 'hook-failed';
      readonly hook: HookName;
      readonly reason: string;
      readonly output: readonly string[];
    }
  | {
      readonly type: 'backend-started';
      readonly slot: Slot;
      readonly pid: number;
      readonly cwd: string;
      readonly release: string | null;
    }
  | {
      readonly type: 'backend-ready';
      readonly slot: Slot;
      readonly pid: number;
      readonly ms: number;
      readonly detail: string;
    }
  /** The requests of `health.warmup`: what was answered with no server error is not `failed`. */
  | {
      readonly type: 'backend-warmed';
      readonly slot: Slot;
      readonly requests: number;
      readonly failed: number;
      readonly ms: number;
      /** What the last one that failed said. */
      readonly detail: string;
    }
  | {
      readonly type: 'already-running';
      readonly slot: Slot;
      readonly pid: number;
      readonly ready: boolean;
      readonly detail: string;
    }
  /** A probe of a backend that should be healthy failed, `failures` of `limit` in a row. */
  | {
      readonly type: 'health-failed';
      readonly slot: Slot;
      readonly failures: number;
      readonly limit: number;
      readonly detail: string;
    }
  /** The backend in this slot is gone although nobody stopped it. */
  | { readonly type: 'backend-found-dead'; readonly slot: Slot; readonly pid: number; readonly reason: string }
  | { readonly type: 'traffic-switched'; readonly from: Slot | null; readonly to: Slot }
  /** The probe through the link passed: the switch is final. */
  | { readonly type: 'switch-verified'; readonly slot: Slot; readonly ms: number; readonly detail: string }
  /** The probe through the link failed: the link points where it did before. */
  | { readonly type: 'traffic-restored'; readonly to: Slot | null; readonly reason: string }
  | { readonly type: 'link-removed'; readonly from: Slot | null }
  | { readonly type: 'backend-drained'; readonly slot: Slot; readonly ms: number; readonly method: DrainMethod }
  /** The drain deadline passed; these connections will be cut off. Null where they cannot be counted. */
  | { readonly type: 'connections-cut'; readonly slot: Slot; readonly count: number | null; readonly afterMs: number }
  | { readonly type: 'backend-signalled'; readonly slot: Slot; readonly pid: number; readonly signal: string }
  | {
      readonly type: 'backend-stopped';
      readonly slot: Slot;
      readonly pid: number;
      readonly ms: number;
      readonly killed: boolean;
    }
  /** A file of an earlier life was found and removed. */
  | { readonly type: 'stale-removed'; readonly path: string; readonly reason: string }
  /** Something was not as it should be, and the operation went on without it. */
  | { readonly type: 'warned'; readonly about: string; readonly detail: string }
  | { readonly type: 'abort-requested'; readonly by: string }
  | { readonly type: 'abort-refused'; readonly reason: string }
  /** `release: git`: the worktree of a commit is ready to run from. */
  | { readonly type: 'release-prepared'; readonly release: string; readonly directory: string; readonly ms: number }
  | { readonly type: 'release-removed'; readonly directory: string }
  /** A step was undone on the way out of a failed operation. */
  | { readonly type: 'undone'; readonly slot: Slot; readonly what: string };

/** What only a supervisor has to tell; its operations tell the same events as the one-shot host's. */
export type SupervisorEvent =
  | { readonly type: 'supervisor-started'; readonly pid: number; readonly version: string }
  /** A backend that was running before this supervisor: known by pid, start time and boot id. */
  | { readonly type: 'backend-adopted'; readonly slot: Slot; readonly pid: number }
  | {
      readonly type: 'backend-died';
      readonly slot: Slot;
      readonly pid: number;
      /** Null where it was not our child: only that it has gone can be seen. */
      readonly exitCode: number | null;
      readonly signal: string | null;
    }
  /** One of several workers of a slot has exited and is started again, while the others serve. */
  | {
      readonly type: 'worker-exited';
      readonly slot: Slot;
      readonly worker: number;
      readonly exitCode: number | null;
      readonly signal: string | null;
    }
  /** The next attempt to bring the app back, after `attempts` that did not last. */
  | { readonly type: 'retry-scheduled'; readonly attempts: number; readonly delayMs: number; readonly reason: string }
  | { readonly type: 'operation-started'; readonly operation: OperationName; readonly by: string }
  | { readonly type: 'operation-completed'; readonly operation: OperationName; readonly ms: number }
  | {
      readonly type: 'operation-failed';
      readonly operation: OperationName;
      readonly code: string;
      readonly message: string;
    }
  /** A time of the schedule passed while the former one was still at work. */
  | { readonly type: 'tick-skipped'; readonly job: string; readonly reason: string }
  | { readonly type: 'config-reread'; readonly file: string }
  /** The new configuration is wrong: the old one goes on. */
  | { readonly type: 'config-rejected'; readonly file: string; readonly message: string }
  | { readonly type: 'supervisor-stopping'; readonly by: string; readonly backends: 'stopped' | 'left running' };

export type HookName = 'beforeStart' | 'afterSwitch' | 'afterFailure';

/** Takes every event, synchronously; it must neither throw nor block. */
export type EventSink = (event: GracefulEvent) => void;

/** What the outside sees of an operation: its events, then exactly one of the other two. */
export type StreamLine<Outcome> =
  | { readonly event: GracefulEvent & { readonly at: string; readonly seq: number } }
  | { readonly outcome: Outcome }
  | { readonly failure: FailureRecord };
