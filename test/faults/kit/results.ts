// What came of a suite, by row; kept as one JSON file per suite, so that a long run can be made piece by piece.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { repoRoot } from '../../rig/paths.ts';
import type { Ending } from './run-suite.ts';
import type { Case, CaseKind, Form, InvariantName } from './suite.ts';

export interface Row {
  readonly row: string;
  readonly kind: CaseKind;
  /** Cases whose fault came about. */
  readonly run: number;
  readonly broken: number;
  /** Cases whose fault did not, not even when they were done anew. */
  readonly missed: number;
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
  /** Of this repository, short; with a `+` where files had been changed since. */
  readonly commit: string;
  readonly rows: readonly Row[];
  /** False while the suite runs, and for ever when it was interrupted. */
  readonly isWhole: boolean;
}

export class Tally {
  readonly #rows = new Map<string, Row>();

  get rows(): readonly Row[] {
    return [...this.#rows.values()];
  }

  count({ row, tried, kind = 'processes' }: Case, ending: Ending): void {
    const before = this.#rows.get(row) ?? { row, kind, run: 0, broken: 0, missed: 0, tried: [], firstBreak: null };
    const is = (type: Ending['type']): number => (ending.type === type ? 1 : 0);
    this.#rows.set(row, {
      row,
      kind,
      run: before.run + 1 - is('missed'),
      broken: before.broken + is('broken'),
      missed: before.missed + is('missed'),
      tried: ending.type === 'missed' ? before.tried : [...new Set([...before.tried, ...tried])].sort(),
      firstBreak: before.firstBreak ?? (ending.type === 'broken' ? { name: ending.name, story: ending.story } : null),
    });
  }
}

export const describeMachine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model.trim() ?? 'unknown'}), Linux ${release()}, Node ${process.versions.node}`;

/** What was tried. Results of one commit say nothing about the next one. */
export function describeCommit(): string {
  const git = (...args: readonly string[]): string =>
    execFileSync('git', args, { cwd: repoRoot, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no');
    return `${git('rev-parse', '--short', 'HEAD')}${changed === '' ? '' : '+'}`;
  } catch {
    return 'unknown'; // no checkout, or no git
  }
}

export function save(directory: string, name: string, result: SuiteResult): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, `${name}.json`), `${JSON.stringify(result, null, 2)}\n`);
}

export const load = (directory: string): readonly SuiteResult[] =>
  readdirSync(directory)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => JSON.parse(readFileSync(join(directory, file), 'utf8')) as SuiteResult);

export const sum = (rows: readonly Row[], what: 'run' | 'broken' | 'missed'): number =>
  rows.reduce((total, row) => total + row[what], 0);

/** `120 cases, of which 100 with real processes and 20 inputs to a function; 3 missed; 0 broken` */
export function describeTotal(rows: readonly Row[]): string {
  const run = (kind: CaseKind): number =>
    sum(
      rows.filter((row) => row.kind === kind),
      'run',
    );
  const others = [
    [run('input'), 'inputs to a function'],
    [run('search'), 'searches through a model'],
  ].flatMap(([count, what]) => (count === 0 ? [] : [`${count} ${what}`]));
  const parts = [`${run('processes')} with real processes`, ...others];
  const split = others.length === 0 ? '' : `, of which ${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
  return `${sum(rows, 'run')} cases${split}; ${sum(rows, 'missed')} missed; ${sum(rows, 'broken')} broken`;
}
