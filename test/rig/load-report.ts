// What a load saw: every request that was sent is in exactly one column. Both load generators fill in the same report.

/** Why a request was not served. */
export interface Failures {
  /** The connection could not be made: refused, no such socket, no permission, queue full. */
  readonly refused: number;
  /** The connection was made and broke before the whole answer was there, or spoke something else than HTTP. */
  readonly reset: number;
  /** No whole answer in time, although the connection stood. */
  readonly timeout: number;
  /** Answered with a status below 200 or above 299. */
  readonly non2xx: number;
  /** Answered with 2xx, and with another body than the one that was sent. */
  readonly wrongBody: number;
}

export interface LoadReport {
  /** Sent, or tried to; those that were not yet answered when the load was told to stop are waited for. */
  readonly requests: number;
  /** Answered with 2xx and the right body. */
  readonly succeeded: number;
  readonly failures: Failures;
  /** Of those refused, the ones of which wrk knows only that their connection ended with no request under way. */
  readonly unsent?: number;
  /** Answers per status code. */
  readonly statuses: Readonly<Record<string, number>>;
  /** Answers per X-Version header. */
  readonly versions: Readonly<Record<string, number>>;
  readonly latencyMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly durationMs: number;
  /** A few of the failures in words, for a person who has to find out why. */
  readonly examples: readonly string[];
}

/** What a load that lost nothing has in its failure columns; for `assert.deepEqual`. */
export const NO_FAILURES: Failures = { refused: 0, reset: 0, timeout: 0, non2xx: 0, wrongBody: 0 };

/** All failures, of whatever kind. */
export const failed = ({ failures }: Pick<LoadReport, 'failures'>): number =>
  failures.refused + failures.reset + failures.timeout + failures.non2xx + failures.wrongBody;

/** A load that runs. */
export interface Load {
  /** Resolves when the first answer has come back. */
  readonly flowing: Promise<void>;
  /** Resolves when the load has ended; rejects if the generator itself failed. */
  readonly finished: Promise<LoadReport>;
  /** Sends nothing more, waits for the answers that are still due, and returns what `finished` does. */
  stop(): Promise<LoadReport>;
}
