// What a suite of the fault battery is: cases, each of which breaks something and then asks whether the promises still hold.

/** `short` is for CI, `long` tries every step. */
export type Form = 'short' | 'long';

/** What is checked after a case; docs/reliability.md says each in full. */
export const INVARIANTS = {
  I1: 'the link leads to a listening socket while a backend that has been ready lives',
  I2: 'no request fails unless both backends are gone or a deadline cut it, which the events tell',
  I3: 'no process is signalled that is not ours',
  I4: 'at most one operation changes the state at a time',
  I5: 'the same command again converges',
  I6: 'what was stopped stays stopped',
  I7: 'at most two backends, and no stray or half written file',
  clear: 'a failure is told clearly: no stack trace, no hang',
} as const;

export type InvariantName = keyof typeof INVARIANTS;

/**
 * What a case is made of: real processes, which is meant unless said otherwise; an input that is given to a function of
 * ours; a search through all that a model can do.
 */
export type CaseKind = 'processes' | 'input' | 'search';

export interface Case {
  /** The row of the report that counts it. */
  readonly row: string;
  /** Unique and repeatable: `--only NAME` runs it again. */
  readonly name: string;
  readonly tried: readonly InvariantName[];
  readonly kind?: CaseKind;
  /** Rejects when a promise is broken, and the message tells the story; with `Missed` when the fault did not come about. */
  run(): Promise<void>;
}

export interface Suite {
  readonly name: string;
  /** Cases side by side. */
  readonly concurrency: number;
  /** Lazily: a long battery has thousands. `only`: what --only says, for a suite whose cases take long to find. */
  cases(form: Form, only?: string): AsyncIterable<Case> | Iterable<Case>;
}
