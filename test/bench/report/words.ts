// How figures are written: a median with its spread, a table, a sum of failures.
import type { Failures } from '../../rig/load-report.ts';
import { type Spread, spreadOf } from '../measure/figures.ts';

export const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  rows.length === 0
    ? '(not measured)'
    : [head, head.map(() => '---'), ...rows]
        .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
        .join('\n');

/** `12 (10–15)`; the spread is left out where there is none. */
export function spread(values: readonly (number | null | undefined)[], digits?: number): string {
  const found = spreadOf(known(values));
  return found === null ? '–' : written(found, digits);
}

export function written({ min, median, max, runs }: Spread, digits?: number): string {
  const format = (value: number): string => figure(value, digits);
  return runs < 2 || format(min) === format(max) ? format(median) : `${format(median)} (${format(min)}–${format(max)})`;
}

export const known = (values: readonly (number | null | undefined)[]): readonly number[] =>
  values.filter((value): value is number => typeof value === 'number');

export const figure = (value: number, digits = value !== 0 && Math.abs(value) < 10 ? 1 : 0): string =>
  value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });

const KINDS: Readonly<Record<keyof Failures, string>> = {
  refused: 'refused',
  reset: 'cut off',
  timeout: 'never answered',
  non2xx: 'answered with an error',
  wrongBody: 'wrong answer',
};

/** `51 answered with an error, 2 never answered`, summed up. */
export function failureKinds(all: readonly Failures[]): string {
  const sums = (Object.keys(KINDS) as (keyof Failures)[])
    .map((kind) => ({ kind, count: all.reduce((sum, failures) => sum + failures[kind], 0) }))
    .filter(({ count }) => count > 0);
  return sums.map(({ kind, count }) => `${figure(count, 0)} ${KINDS[kind]}`).join(', ');
}
