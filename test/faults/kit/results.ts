// What came of a suite, by row; kept as one JSON file per suite, so that a long run can be made piece by piece.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import type { Form, InvariantName } from './suite.ts';

export interface Row {
  readonly row: string;
  readonly run: number;
  readonly broken: number;
  readonly tried: readonly InvariantName[];
  /** The first case that broke, and its story. */
  readonly firstBreak: { readonly name: string; readonly story: string } | null;
}

export interface SuiteResult {
  readonly suite: string;
  readonly form: Form;
  readonly date: string;
  readonly command: string;
  readonly seconds: number;
  readonly machine: string;
  readonly rows: readonly Row[];
  /** False while the suite runs, and for ever when it was interrupted. */
  readonly isWhole: boolean;
}

export class Tally {
  readonly #rows = new Map<string, Row>();

  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  /** `story`: what broke, null when nothing did. */
  count(row: string, name: string, tried: readonly InvariantName[], story: string | null): void {
    const before = this.#rows.get(row) ?? { row, run: 0, broken: 0, tried: [], firstBreak: null };
    this.#rows.set(row, {
      row,
      run: before.run + 1,
      broken: before.broken + (story === null ? 0 : 1),
      tried: [...new Set([...before.tried, ...tried])].sort(),
      firstBreak: before.firstBreak ?? (story === null ? null : { name, story }),
    });
  }
}

export const describeMachine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Linux ${release()}, Node ${process.versions.node}`;

export function save(directory: string, name: string, result: SuiteResult): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

export const load = (directory: string): readonly SuiteResult[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as SuiteResult);

export const sum = (rows: readonly Row[], what: 'run' | 'broken'): number =>
  rows.reduce((total, row) => total + row[what], 0);
