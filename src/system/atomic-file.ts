// Files that are either wholly the old ones or wholly the new ones: temp file in the same directory, then rename(2).
// Synchronous: they are a few hundred bytes, and node:fs/promises would cost every `status` two milliseconds of loading.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** How the names of our temp files look, so that leftovers of a killed process can be told and swept. */
export const isTempName = (file: string, name: string): boolean =>
  [`.${name}.`, `.${name}-a.`, `.${name}-b.`].some((prefix) => file.startsWith(prefix)) &&
  /\.[0-9a-f]{12}\.tmp$/.test(file);

/** A name beside `path` that no other process uses. */
export const tempPathFor = (path: string): string => join(dirname(path), `.${basename(path)}.${randomHex(12)}.tmp`);

/** Replaces the file in one step. `durable` also survives a power loss: fsync(2) before the rename. */
export function writeAtomically(path: string, content: string, options: { mode: number; durable?: boolean }): void {
  const temp = tempPathFor(path);
  try {
    const file = openSync(temp, 'wx', options.mode);
    try {
      writeFileSync(file, content);
      if (options.durable) fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(temp, path);
  } catch (error) {
    rmSync(temp, { force: true });
    throw error;
  }
}

/** The file's text, or null where there is none. */
export function readIfPresent(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);

/** Not node:crypto, for the same reason; a name that is taken all the same fails with EEXIST. */
const randomHex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join('');
