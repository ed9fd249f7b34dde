// Files that are either wholly the old ones or wholly the new ones: temp file in the same directory, then rename(2).
import { open, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** How the names of our temp files look, so that leftovers of a killed process can be told and swept. */
export const isTempName = (file: string, name: string): boolean =>
  file.startsWith(`.${name}`) && /\.[0-9a-f]{12}\.tmp$/.test(file);

/** A name beside `path` that no other process uses. Not node:crypto: it would cost every `status` its loading. */
export const tempPathFor = (path: string): string => join(dirname(path), `.${basename(path)}.${randomHex(12)}.tmp`);

const randomHex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join('');

/** Replaces the file in one step. `durable` also survives a power loss: fsync(2) before the rename. */
export async function writeAtomically(
  path: string,
  content: string,
  options: { mode: number; durable?: boolean },
): Promise<void> {
  const temp = tempPathFor(path);
  try {
    const file = await open(temp, 'wx', options.mode);
    try {
      await file.writeFile(content);
      if (options.durable) await file.sync();
    } finally {
      await file.close();
    }
    await rename(temp, path);
  } catch (error) {
    await rm(temp, { force: true }).catch(() => {
      // The first error is the one worth telling; the next operation sweeps temp files.
    });
    throw error;
  }
}

/** The file's text, or null where there is none. */
export async function readIfPresent(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);
