// State files as graceful wrote them, with one wrong value each: what a hand, another program or a broken disk leaves.
import { readFileSync } from 'node:fs';

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

type Path = readonly (string | number)[];

/** Of a wrong type, out of range, empty, nested, and what would play tricks on a terminal or a path. */
export const WRONG: readonly Json[] = [
  null,
  true,
  -1,
  0,
  1.5,
  2 ** 31,
  2 ** 53,
  1e308,
  '',
  'x',
  '\0',
  '\u001b[2J\n\u202e',
  '2026-13-45T99:00:00Z',
  '+275760-09-13T00:00:00.001Z',
  '../../etc',
  'x'.repeat(4_000),
  [],
  [null],
  [[[{}]]],
  {},
  { toString: 1, at: {}, until: '2999-01-01T00:00:00Z', watcher: 7 },
];

/** What is wrong, and the text of the file with it. */
export interface Damage {
  readonly what: string;
  /** The field itself: `stateDir.inode`. */
  readonly field: string;
  readonly text: string;
}

/** Every field of the JSON in a file, its own root and one that is missing included, with every wrong value. */
export function* damages(text: string): Iterable<Damage> {
  // Of several lines (the history) the last.
  const lines = text.trimEnd().split('\n');
  const before = lines.slice(0, -1).map((line) => `${line}\n`);
  const right = JSON.parse(lines.at(-1) ?? 'null') as Json;
  for (const path of pathsIn(right)) {
    const field = path.join('.') || '(all of it)';
    for (const value of [...WRONG, undefined]) {
      const wrong = replaced(right, path, value);
      if (wrong === undefined || JSON.stringify(wrong) === JSON.stringify(right)) continue;
      const what = `${field} = ${value === undefined ? 'missing' : JSON.stringify(value).slice(0, 40)}`;
      yield { what, field, text: `${before.join('')}${JSON.stringify(wrong)}\n` };
    }
  }
}

export const damagesOf = (path: string): readonly Damage[] => [...damages(readFileSync(path, 'utf8'))];

function* pathsIn(value: Json): Iterable<Path> {
  yield [];
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value))
    for (const path of pathsIn(inner as Json)) yield [Array.isArray(value) ? Number(key) : key, ...path];
}

/** `with` undefined: without the field. */
function replaced(value: Json, [first, ...rest]: Path, by: Json | undefined): Json | undefined {
  if (first === undefined) return by;
  const entries = Object.entries(value as Record<string, Json>).flatMap(([key, inner]) => {
    const now = key === String(first) ? replaced(inner, rest, by) : inner;
    return now === undefined ? [] : [[key, now] as const];
  });
  return Array.isArray(value) ? entries.map(([, inner]) => inner) : Object.fromEntries(entries);
}
