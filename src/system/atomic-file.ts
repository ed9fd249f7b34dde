// Files that are either wholly the old ones or wholly the new ones: temp file in the same directory, then rename(2).
// Synchronous: they are a few hundred bytes, and node:fs/promises would cost every `status` two milliseconds of loading.
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  type Stats,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fail } from '../core/failure.ts';
import { kindOf } from './file-kind.ts';

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
    removeIfPossible(temp);
    throw error;
  }
}

/**
 * Removes a file that may be gone already. Not rmSync, whose errors have neither code nor call from Node 23 on.
 * @throws the errno of unlink(2)
 */
export function removeFile(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
}

/** For clearing up after a failure: why that failed is what has to be told. What stays is swept by the next operation. */
export function removeIfPossible(path: string): void {
  try {
    unlinkSync(path);
  } catch {
    // ENOENT, EIO, EROFS
  }
}

// Ours have a few hundred bytes.
const MAX_BYTES = 64 * 1024;
// O_NONBLOCK: a FIFO would make us wait for ever for somebody to write.
const READ_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK | constants.O_NOCTTY;

/**
 * The file's text, or null where there is none. What is not a small file of our user's is not read: whoever may make files
 * in the state dir shall neither hang nor mislead us.
 * @throws `state-dir`
 */
export function readIfPresent(path: string, maxBytes = MAX_BYTES): string | null {
  let file: number;
  try {
    file = openSync(path, READ_FLAGS);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    if (isErrno(error, 'ELOOP')) throw notOurs(path, 'a symbolic link');
    if (isErrno(error, 'ENXIO', 'ENODEV')) throw notOurs(path, 'a socket or a device');
    throw error;
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw notOurs(path, kindOf(stat));
    if (stat.size > maxBytes) throw notOurs(path, `${stat.size} bytes`, `at most ${maxBytes}`);
    if (!isOwn(stat) && stat.uid !== statSync(dirname(path)).uid)
      throw notOurs(path, `a file of user ${stat.uid}`, 'one of the user whom the state dir belongs to');
    return readFileSync(file, 'utf8');
  } finally {
    closeSync(file);
  }
}

/** Whether it belongs to the user we are, or to root. */
export const isOwn = ({ uid }: Pick<Stats, 'uid'>): boolean => uid === 0 || uid === process.geteuid?.();

const notOurs = (path: string, found: string, expected = 'a file that graceful wrote, or none') =>
  fail('state-dir', `${path}: found ${found}, expected ${expected}`, { path, found, expected });

export const isErrno = (error: unknown, ...codes: readonly string[]): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && codes.includes(error.code);

/** Not node:crypto, for the same reason; a name that is taken all the same fails with EEXIST. */
const randomHex = (digits: number): string =>
  Array.from({ length: digits }, () => Math.floor(Math.random() * 16).toString(16)).join('');
