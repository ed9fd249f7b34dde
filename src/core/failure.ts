// Why an operation did not complete. One error class, one closed union of codes, each bound to an exit code by the compiler.
import type { Slot } from './slot.ts';

/** What each failure carries besides its message. */
export interface FailureDetails {
  /** The command line makes no sense. */
  usage: { readonly hint?: string };
  /** The configuration is missing, unreadable or wrong. Problems are complete sentences' worth each. */
  config: { readonly file: string | null; readonly problems: readonly ConfigProblem[] };
  /** The state dir or a file in it cannot be trusted or used. */
  'state-dir': { readonly path: string; readonly found: string; readonly expected: string };
  /** Another operation holds the lock. */
  busy: {
    readonly pid: number | null;
    readonly operation: string | null;
    readonly since: string | null;
    readonly waitedMs: number;
    /** It is no operation, but a supervisor about to leave, which begins nothing any more. */
    readonly leaving?: true;
  };
  /** The lock was taken from us while we held it. */
  'lock-lost': { readonly path: string };
  /** The command could not be executed at all. */
  'not-executable': { readonly slot: Slot; readonly command: string; readonly reason: string };
  /** The backend exited before it was ready. */
  'backend-exited': {
    readonly slot: Slot;
    readonly exitCode: number | null;
    readonly signal: string | null;
    readonly ms: number;
    /** After it had been ready. */
    readonly during?: 'warm-up';
    readonly log: readonly string[];
    readonly logPath: string;
  };
  /** The backend lives but was not ready in time. */
  'not-ready': {
    readonly slot: Slot;
    readonly timeoutMs: number;
    readonly lastProbe: string;
    readonly listensAt: readonly string[];
    readonly expected: string;
    readonly log: readonly string[];
    readonly logPath: string;
  };
  /** Somebody else listens on the slot's socket. */
  'socket-in-use': { readonly slot: Slot; readonly path: string; readonly by: string };
  /** The link's path holds something that is not our link. */
  'link-not-ours': { readonly path: string; readonly found: string };
  /** The slot to switch to is not ready. */
  'slot-not-ready': { readonly slot: Slot; readonly state: string; readonly detail: string };
  /** Stopping this slot would cost requests. */
  'would-lose-traffic': { readonly slot: Slot; readonly reason: string };
  /** There is no version to go back to, or it would not certainly be that version. */
  'cannot-roll-back': {
    readonly why: 'nothing-serves' | 'none-before' | 'stopped' | 'died' | 'gone' | 'unready';
    /** When it ended, or what its health check said. */
    readonly detail: string;
    readonly before: {
      readonly slot: Slot;
      readonly cwd: string;
      readonly release: string | null;
      /** The operation that stopped it. */
      readonly stoppedBy: string | null;
      /** Why it is not started from its directory: that is not there, is the new version's, or holds other code now. */
      readonly directory: 'gone' | 'same' | 'changed';
    } | null;
  };
  /** The probe through the link failed after the switch; the switch was undone. */
  'verify-failed': { readonly slot: Slot; readonly detail: string };
  /** The new version failed while it was watched; traffic was led back. */
  'rolled-back': {
    readonly slot: Slot;
    /** Where traffic is. */
    readonly to: Slot;
    readonly reason: string;
    /** What its health check said last. */
    readonly detail: string;
    /** Since the switch. */
    readonly afterMs: number;
    readonly release: string | null;
    readonly log: readonly string[];
    readonly logPath: string;
  };
  /** There is no such release, or it could not be prepared. */
  'release-failed': { readonly command: string; readonly reason: string; readonly output: readonly string[] };
  'hook-failed': { readonly hook: string; readonly reason: string; readonly output: readonly string[] };
  /** The process is still there after SIGKILL, or may not be signalled. */
  'stop-failed': { readonly slot: Slot; readonly pid: number; readonly reason: string };
  /** A later command wants something else. */
  superseded: { readonly by: string };
  /** Ctrl-C or SIGTERM. `movedTo`: where the traffic had been led before it came, which stands; missing where it is where it was. */
  aborted: { readonly by: string; readonly movedTo?: Slot };
  /** Done what could be done, and nothing ready is serving. */
  'not-serving': { readonly reason: string };
  /** The operation's host went away before it said how it ended. */
  'connection-lost': { readonly reason: string };
  /** `init` or `setup` did not write what it was asked to. `output` is what the program said that checked it. */
  'setup-failed': { readonly path: string | null; readonly output: readonly string[]; readonly hint: string | null };
  /** The system refused something: the errno, the call and the path are in the message. */
  system: { readonly errno: string; readonly call: string | null; readonly path: string | null };
  /** Our bug. */
  internal: { readonly stack: string };
}

export interface ConfigProblem {
  /** Dotted key, `health.path`; empty for the whole file. */
  readonly key: string;
  readonly found: string;
  readonly expected: string;
  /** The nearest valid key, for an unknown one. */
  readonly suggestion?: string;
}

export type FailureCode = keyof FailureDetails;

/**
 * Exit code of each failure (docs/exit-codes.md): 1 failed and traffic is where it was · 2 usage or configuration ·
 * 3 nothing ready is serving · 4 busy · 5 outcome unknown · 70 our bug (EX_SOFTWARE of sysexits(3)).
 */
export const EXIT_CODES: Readonly<Record<FailureCode, number>> = {
  usage: 2,
  config: 2,
  'state-dir': 2,
  busy: 4,
  'lock-lost': 1,
  'not-executable': 1,
  'backend-exited': 1,
  'not-ready': 1,
  'socket-in-use': 1,
  'link-not-ours': 1,
  'slot-not-ready': 1,
  'would-lose-traffic': 1,
  'cannot-roll-back': 1,
  'verify-failed': 1,
  'rolled-back': 1,
  'release-failed': 1,
  'hook-failed': 1,
  'stop-failed': 1,
  superseded: 1,
  aborted: 1,
  'not-serving': 3,
  'connection-lost': 5,
  'setup-failed': 1,
  system: 1,
  internal: 70,
};

/** A failure as it travels: in `--json`, over the control socket, in the history. */
export type FailureRecord = {
  [Code in FailureCode]: { readonly code: Code; readonly message: string; readonly details: FailureDetails[Code] };
}[FailureCode];

/** The one error that operations raise on purpose. `failure` is plain JSON; `cause` keeps the original error. */
export class GracefulError extends Error {
  override readonly name = 'GracefulError';
  readonly failure: FailureRecord;

  constructor(failure: FailureRecord, options?: ErrorOptions) {
    super(failure.message, options);
    this.failure = failure;
  }

  get exitCode(): number {
    return EXIT_CODES[this.failure.code];
  }

  /** Any thrown value as a GracefulError: an errno becomes `system`, everything unknown `internal`. */
  static from(thrown: unknown): GracefulError {
    if (thrown instanceof GracefulError) return thrown;
    // `await using`: the undo failed too. What failed first is what the operator has to know.
    if (isSuppressed(thrown)) return GracefulError.from(thrown.suppressed);
    if (isErrno(thrown)) {
      const { code, syscall, path, message } = thrown;
      return fail('system', message, { errno: code, call: syscall ?? null, path: path ?? null }, thrown);
    }
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    if (isMissingModule(error)) {
      const message = `the installation of graceful is not whole, or not readable for this user: ${error.message.split('\n')[0]}`;
      return fail('system', message, { errno: error.code, call: null, path: null }, error);
    }
    return fail('internal', `unexpected error: ${error.message}`, { stack: error.stack ?? error.message }, error);
  }
}

/** Makes a failure: `throw fail('busy', 'another update is running', {…})`. */
export const fail = <Code extends FailureCode>(
  code: Code,
  message: string,
  details: FailureDetails[Code],
  cause?: unknown,
): GracefulError =>
  new GracefulError(
    { code, message, details } as unknown as FailureRecord,
    cause === undefined ? undefined : { cause },
  );

const isSuppressed = (thrown: unknown): thrown is Error & { readonly suppressed: unknown } =>
  thrown instanceof Error && thrown.name === 'SuppressedError' && 'suppressed' in thrown;

/** While npm installs it anew, or where somebody has changed its files. What a configuration imports is told by whoever reads that. */
const isMissingModule = (error: Error): error is Error & { readonly code: string } =>
  'code' in error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND');

interface Errno extends Error {
  readonly code: string;
  readonly syscall?: string;
  readonly path?: string;
}

const isErrno = (thrown: unknown): thrown is Errno =>
  thrown instanceof Error &&
  'code' in thrown &&
  typeof thrown.code === 'string' &&
  /^E[A-Z0-9]+$/.test(thrown.code) &&
  'syscall' in thrown;
