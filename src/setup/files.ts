// Files outside of the state dir: each bears our mark and a checksum, and without them none is overwritten or removed.
import { createHash } from 'node:crypto';
import { chmodSync, mkdirSync, unlinkSync } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { fail, type GracefulError } from '../core/failure.ts';
import { isErrno, readIfPresent, removeFile, writeAtomically } from '../system/atomic-file.ts';
import { isMarked } from './mark.ts';

export interface SetupFile {
  readonly path: string;
  readonly text: string;
}

/** The text of a file of ours: whose it is, who wrote it, and how to tell that nobody has changed it since. */
export const stamped = (mark: string, by: string, body: string): string =>
  `${mark}\n# Written by \`${by}\`, and by \`--remove\` taken out again. Checksum of what follows: ${checksum(body)}\n${body}`;

const checksum = (body: string): string => createHash('sha256').update(body).digest('hex').slice(0, 16);

type Standing = 'absent' | 'same' | 'ours' | 'edited' | 'foreign';

const standingOf = (content: string | null, text: string, configFile: string): Standing => {
  if (content === null) return 'absent';
  if (content === text) return 'same';
  const [mark = '', by = '', ...rest] = content.split('\n');
  if (!isMarked(mark, configFile)) return 'foreign';
  return by.endsWith(checksum(rest.join('\n'))) ? 'ours' : 'edited';
};

export interface Whose {
  readonly configFile: string;
  readonly force: boolean;
}

/** Takes a change back. */
export type Undo = () => void;

/**
 * Writes the file. Null: it was there already, to the letter.
 * @throws `setup-failed` for a file that is not ours, was edited, or cannot be written.
 */
export function install({ path, text }: SetupFile, whose: Whose, mode = 0o644): Undo | null {
  const before = read(path);
  const standing = standingOf(before, text, whose.configFile);
  if (standing === 'same') return null;
  refuse(path, standing, whose.force, 'overwrites');
  writeNew(path, text, mode);
  return () => (before === null ? removeFile(path) : writeAtomically(path, before, { mode }));
}

/** @throws `setup-failed` for a file that is not ours, or was edited. */
export function assertOurs({ path, text }: SetupFile, whose: Whose, does: 'overwrites' | 'removes'): void {
  refuse(path, standingOf(read(path), text, whose.configFile), whose.force, does);
}

/** Removes the file. Null: it was not there. @throws as {@link install} does. */
export function uninstall({ path, text }: SetupFile, whose: Whose): Undo | null {
  const before = read(path);
  const standing = standingOf(before, text, whose.configFile);
  if (before === null) return null;
  refuse(path, standing, whose.force, 'removes');
  attempt(path, () => unlinkSync(path));
  return () => writeAtomically(path, before, { mode: 0o644 });
}

function refuse(path: string, standing: Standing, force: boolean, does: string): void {
  if (force || (standing !== 'foreign' && standing !== 'edited')) return;
  const why =
    standing === 'foreign'
      ? 'was not written by graceful for this configuration'
      : 'was edited since graceful wrote it';
  throw fail('setup-failed', `${path} ${why}`, { path, output: [], hint: `look at it first; --force ${does} it` });
}

const read = (path: string): string | null => attempt(path, () => readIfPresent(path));

export function writeNew(path: string, text: string, mode: number): void {
  attempt(path, () => {
    mkdirSync(dirname(path), { recursive: true });
    writeAtomically(path, text, { mode });
    // The umask does not count here: what nginx or git is to read or run has to be readable and runnable.
    chmodSync(path, mode);
  });
}

/** What may not be done names the file and who may not. */
export function attempt<Result>(path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    if (isErrno(error, 'EACCES', 'EPERM', 'EROFS', 'ENOTDIR', 'EISDIR'))
      throw notWritable(path, error as NodeJS.ErrnoException);
    throw error;
  }
}

const notWritable = (path: string, cause: NodeJS.ErrnoException): GracefulError =>
  fail(
    'setup-failed',
    `${path} cannot be written by user ${userInfo().username} (${cause.code})`,
    { path, output: [], hint: 'run it with sudo, or without --write to put the text there yourself' },
    cause,
  );
