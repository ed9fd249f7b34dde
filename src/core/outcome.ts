// What a completed operation returns: plain JSON, one shape per operation.
import type { Connections, HookName } from './events.ts';
import type { Slot } from './slot.ts';
import type { Desired } from './status.ts';

/** What every operation may be asked for: the same names as on the command line. */
export interface OperationInputs {
  start: {
    readonly slots: readonly Slot[];
    readonly all: boolean;
    /** A directory, or with `release: git` a commit; without it, what is on disk now. */
    readonly release?: string | null;
  };
  stop: {
    readonly slots: readonly Slot[];
    readonly all: boolean;
    readonly inactive: boolean;
    readonly olderThanMs: number | null;
    readonly force: boolean;
    /** With `all`, for a host that goes away itself: the operator still wants the app up. */
    readonly keepDesired?: boolean;
  };
  restart: { readonly slots: readonly Slot[]; readonly all: boolean; readonly inactive: boolean };
  switch: { readonly slot: Slot | null };
  rollback: Readonly<Record<string, never>>;
  update: {
    readonly stopOld: boolean;
    /** How long to watch the new version after the switch; null: not at all. */
    readonly watchMs: number | null;
    /** As for `start`. */
    readonly release?: string | null;
  };
  /** What `update` would do. */
  plan: OperationInputs['update'];
  keepalive: Readonly<Record<string, never>>;
}

export interface Outcomes {
  start: {
    readonly operation: 'start';
    readonly started: readonly Slot[];
    readonly alreadyRunning: readonly Slot[];
    readonly active: Slot | null;
    readonly ms: number;
  };
  stop: {
    readonly operation: 'stop';
    readonly stopped: readonly Slot[];
    readonly kept: readonly KeptSlot[];
    readonly active: Slot | null;
    readonly ms: number;
  };
  restart: {
    readonly operation: 'restart';
    readonly restarted: readonly Slot[];
    readonly active: Slot | null;
    readonly ms: number;
  };
  switch: {
    readonly operation: 'switch';
    readonly from: Slot | null;
    readonly to: Slot;
    readonly changed: boolean;
    readonly ms: number;
  };
  rollback: {
    readonly operation: 'rollback';
    readonly from: Slot | null;
    readonly to: Slot;
    /** The directory and the release that serve again. */
    readonly cwd: string;
    readonly release: string | null;
    /** Whether its backend was still warm, or had to be started again from its directory. */
    readonly how: 'switched' | 'started';
    readonly ms: number;
  };
  update: {
    readonly operation: 'update';
    readonly from: Slot | null;
    readonly to: Slot;
    readonly release: string | null;
    readonly stoppedOld: boolean;
    /** With `--watch`: to its end, or until the operator wanted to wait no longer. */
    readonly watched: 'passed' | 'cut-short' | null;
    readonly ms: number;
  };
  plan: PlannedStart & {
    readonly operation: 'plan';
    readonly desired: Desired;
    /** The slots between which traffic would move. */
    readonly from: Slot | null;
    readonly to: Slot;
    /** Traffic would be moved here first: the active backend is not healthy, and this one is. */
    readonly switchFirst: Slot | null;
    /** What would be drained and stopped to make room. */
    readonly stop: PlannedStop | null;
    /** Those that are configured. */
    readonly hooks: readonly HookName[];
    readonly stopOld: boolean;
    readonly watchMs: number | null;
    /** Who holds the lock at the moment. */
    readonly busy: { readonly pid: number; readonly operation: string; readonly since: string } | null;
    readonly ms: number;
  };
  keepalive: {
    readonly operation: 'keepalive';
    readonly action: KeepaliveAction;
    readonly active: Slot | null;
    readonly reason: string;
    readonly ms: number;
  };
}

/** How the new version would be started. */
export interface PlannedStart {
  readonly cwd: string;
  readonly release: string | null;
  /** argv, placeholders replaced. */
  readonly command: readonly string[];
  /** Compared with the backend that is active; null when there is none. */
  readonly changes: Changes | null;
}

export interface PlannedStop {
  readonly slot: Slot;
  readonly pid: number;
  readonly cwd: string;
  readonly release: string | null;
  readonly connections: Connections | null;
}

export interface Changes {
  /** What it is compared with. */
  readonly slot: Slot;
  readonly cwd: boolean;
  readonly release: boolean;
  /** Null where it is not known how the other one was started. */
  readonly command: boolean | null;
  /** Names only; null where the other one's cannot be read. */
  readonly environment: {
    readonly added: readonly string[];
    readonly changed: readonly string[];
    readonly removed: readonly string[];
  } | null;
}

export interface KeptSlot {
  readonly slot: Slot;
  readonly reason: string;
}

export type KeepaliveAction =
  /** Active is healthy. */
  | 'none'
  /** Desired is down. */
  | 'left-down'
  /** Another operation is at work. */
  | 'busy'
  | 'switched'
  | 'started';

export type Outcome = Outcomes[keyof Outcomes];
