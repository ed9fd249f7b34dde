// The results of a run: one JSON file per measurement, so that a run can be made in parts, and an aborted one goes on.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Result {
  readonly id: string;
  readonly kind: string;
  /** What was measured, as a person would say it. */
  readonly peer: string | null;
  readonly parameters: Readonly<Record<string, string | number>>;
  readonly run: number;
  readonly at: string;
  readonly seconds: number;
  readonly data: unknown;
  /** Why there is none. */
  readonly error: string | null;
}

export interface Results {
  readonly dir: string;
  find(id: string): Result | null;
  save(result: Result): void;
  all(): readonly Result[];
  saveMeta(meta: unknown): void;
  meta(): unknown;
}

export function openResults(dir: string): Results {
  mkdirSync(dir, { recursive: true });
  const fileOf = (id: string): string => join(dir, `${id.replaceAll(/[^\w.-]+/g, '_')}.json`);
  const read = (file: string): Result => JSON.parse(readFileSync(file, 'utf8')) as Result;
  const write = (file: string, value: unknown): void => {
    writeFileSync(`${file}.tmp`, `${JSON.stringify(value, null, 2)}\n`);
    renameSync(`${file}.tmp`, file);
  };
  return {
    dir,
    find: (id) => (existsSync(fileOf(id)) ? read(fileOf(id)) : null),
    save: (result) => write(fileOf(result.id), result),
    all: () =>
      readdirSync(dir)
        .filter((name) => name.endsWith('.json') && name !== 'meta.json')
        .sort()
        .map((name) => read(join(dir, name))),
    saveMeta: (meta) => write(join(dir, 'meta.json'), meta),
    meta: () => (existsSync(join(dir, 'meta.json')) ? JSON.parse(readFileSync(join(dir, 'meta.json'), 'utf8')) : null),
  };
}
