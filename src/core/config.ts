// What an app's configuration says once it has been read and found valid. Durations are milliseconds, paths absolute.

/** How a backend proves that it can take requests: a round of its checks passes when all of them do. */
export interface HealthChecks {
  /** At least one. */
  readonly checks: readonly HealthCheck[];
  /** The longest of theirs: so long may a round take. */
  readonly timeoutMs: number;
  /** Pause between two rounds: the longest that one of the checks asks for. */
  readonly intervalMs: number;
  /** Rounds in a row that must pass before a backend counts as ready: the most that one of the checks asks for. */
  readonly successes: number;
  /** Rounds in a row that must fail before keepalive acts: the fewest that one of the checks asks for. */
  readonly failures: number;
  /** Requests to a backend that is ready, before traffic moves to it: those of all checks. */
  readonly warmup: number;
}

/** One check of a backend. */
export type HealthCheck = {
  /** One probe may take this long. */
  readonly timeoutMs: number;
  /** Requests of the warm-up. */
  readonly warmup: number;
} & (
  | { readonly type: 'connect' }
  | {
      readonly type: 'http';
      /** Path and query of the request. */
      readonly path: string;
      /** Ranges of status codes that pass, both ends included. */
      readonly status: readonly (readonly [from: number, to: number])[];
      /** The Host header. */
      readonly host: string;
      /** Asked by turns during the warm-up; none: the path. */
      readonly warmupPaths: readonly string[];
    }
  | {
      readonly type: 'fastcgi';
      /** Path and query of the request: REQUEST_URI, SCRIPT_NAME and QUERY_STRING. */
      readonly path: string;
      /** SCRIPT_FILENAME; null: the path. */
      readonly script: string | null;
      readonly status: readonly (readonly [from: number, to: number])[];
      readonly host: string;
      readonly warmupPaths: readonly string[];
    }
  | { readonly type: 'exec'; readonly command: readonly string[] }
  /** READY=1 of sd_notify(3). */
  | { readonly type: 'notify' }
  /** The message `ready` of a Node app. */
  | { readonly type: 'ipc' }
);

/** Times at which the supervisor acts by itself. `null` turns one off. */
export interface Schedule {
  readonly keepalive: string | null;
  readonly stopInactive: string | null;
  /** Passed as `--older-than` to the scheduled `stop --inactive`. */
  readonly stopInactiveOlderThanMs: number;
  readonly timeZone: string | null;
}

/** Programs run at a moment of an operation, as argv arrays. */
export interface Hooks {
  readonly beforeStart: readonly string[] | null;
  readonly afterSwitch: readonly string[] | null;
  readonly afterFailure: readonly string[] | null;
}

export interface Config {
  /** The file that this came from; null for one made in code. */
  readonly file: string | null;
  /** Prefix of every file in the state dir. */
  readonly name: string;
  /** argv of the backend, placeholders not yet replaced. */
  readonly command: readonly string[];
  /** Absolute, symlinks resolved as far as it exists. */
  readonly stateDir: string;
  /** Absolute, symlinks not yet resolved: that happens afresh at every start. */
  readonly cwd: string;
  /** Set (or, with null, removed) in the backend's environment. */
  readonly env: Readonly<Record<string, string | null>>;
  /** dotenv files, read afresh at every start. */
  readonly envFile: readonly string[];
  /**
   * Who binds the slot's socket: `path` the app, at $GRACEFUL_SOCKET; `inherit` we, and the app gets it as descriptor 3;
   * `redirect` a Node app that asks for a TCP port and is given the socket.
   */
  readonly listen: 'path' | 'inherit' | 'redirect';
  /** Processes that share the slot's socket. */
  readonly workers: number;
  readonly socketMode: number;
  readonly socketGroup: string | null;
  readonly health: HealthChecks;
  /** Spawn to ready. */
  readonly startTimeoutMs: number;
  /** Last connection closed, else go on. */
  readonly drainTimeoutMs: number;
  readonly stopSignal: NodeJS.Signals;
  /** Stop signal to SIGKILL. */
  readonly stopTimeoutMs: number;
  /** `inherit`: the supervisor repeats the backends' output on its own. */
  readonly log: 'file' | 'inherit';
  readonly schedule: Schedule;
  readonly hooks: Hooks;
  /** A hook that takes longer is ended. */
  readonly hookTimeoutMs: number;
  /** `release: git`: each update runs from a worktree; null: from `cwd`. */
  readonly release: GitReleases | null;
}

/** Worktrees of the deployed commits. */
export interface GitReleases {
  /** Absolute. */
  readonly dir: string;
  /** How many stay, those in use not among the removed. */
  readonly keep: number;
  /** argv of what runs in a fresh worktree before anything is started from it. */
  readonly prepare: readonly string[] | null;
  readonly timeoutMs: number;
}
