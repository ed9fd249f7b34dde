// The state dir itself: made 0750 where missing, refused where others could plant files in it or have done so.
import type { Stats } from 'node:fs';
import { chmod, chown, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Config } from '../core/config.ts';
import { fail } from '../core/failure.ts';
import { SLOTS } from '../core/slot.ts';
import { isErrno, isOwn, isTempName, removeFile } from './atomic-file.ts';
import { kindOf } from './file-kind.ts';
import { groupId } from './group-id.ts';
import type { StatePaths } from './state-paths.ts';
import { assertSafePlace } from './state-place.ts';

const MODE = 0o750;

/**
 * Makes the state dir ready for an operation that changes things.
 * @throws `state-dir` when it is not a directory, is writable for everybody, belongs to another user, or holds under one
 * of our names what is not ours.
 */
export async function openStateDir(config: Config, paths: StatePaths): Promise<void> {
  assertSafePlace(paths.dir);
  if ((await lstatIfPresent(paths.dir)) === null) await makeDirectory(config);
  // Also the one just made: somebody may have been faster.
  await checkStateDir(paths);
}

/** The same without making anything: one that is missing is as good. @throws `state-dir` */
export async function checkStateDir(paths: StatePaths): Promise<void> {
  assertSafePlace(paths.dir);
  const found = await lstatIfPresent(paths.dir);
  if (found === null) return;
  const { uid } = found;
  const user = process.geteuid?.();
  if (user !== undefined && uid !== user)
    throw fail('state-dir', `state dir ${paths.dir} belongs to user ${uid}, and this is user ${user}`, {
      path: paths.dir,
      found: `belongs to user ${uid}, and this is user ${user}`,
      expected: 'to be run as the owner of the state dir',
    });
  await assertOurs(paths);
}

async function makeDirectory({ stateDir, socketGroup }: Config): Promise<void> {
  const first = await mkdir(stateDir, { recursive: true, mode: MODE });
  if (first === undefined) return; // somebody was faster
  const group = socketGroup === null ? null : await groupId(socketGroup);
  // connect(2) needs search permission on all of them, whatever our umask took away: `var` as well as `var/run`.
  for (let made = stateDir; made.length >= first.length; made = dirname(made)) {
    await chmod(made, MODE);
    if (group !== null) await chown(made, -1, group);
  }
}

/** Whether each of our names is free, or is what we put there. The link and the slots' sockets have checks of their own. */
async function assertOurs(paths: StatePaths): Promise<void> {
  const files = [
    paths.desired,
    paths.versions,
    paths.lockHolder,
    paths.hook,
    ...SLOTS.flatMap((slot) => [paths.slots[slot].pid, paths.slots[slot].backend, paths.slots[slot].said]),
  ];
  const check = async (path: string, expected: string, isRight: (found: Stats) => boolean): Promise<void> => {
    const found = await lstatIfPresent(path);
    if (found === null) return;
    if (!isRight(found)) throw planted(path, kindOf(found), `${expected}, or nothing`);
    if (!isOwn(found))
      throw planted(path, `${kindOf(found)} of user ${found.uid}`, `${expected} of this user's, or nothing`);
  };
  await Promise.all([
    ...files.map((path) => check(path, 'a file', (found) => found.isFile())),
    check(paths.lock, 'a directory', (found) => found.isDirectory()),
    ...[paths.control, ...SLOTS.map((slot) => paths.slots[slot].notify)].map((path) =>
      check(path, 'a socket', (found) => found.isSocket()),
    ),
    // Whatever else is there is told as `link-not-ours`.
    check(paths.link, 'a symbolic link', () => true),
    ...SLOTS.map((slot) => checkLog(paths.slots[slot].log)),
  ]);

  /** A link of our own, to another disk or to /dev/null, is the operator's wish. */
  async function checkLog(path: string): Promise<void> {
    await check(path, 'a log file', () => true);
    const target = await stat(path).catch(() => null);
    if (target !== null && !target.isFile() && !target.isCharacterDevice())
      throw planted(path, kindOf(target), 'a log file, or nothing');
  }
}

/** Removes temp files that a killed process left. Only under the lock: nobody else writes then. */
export async function sweepTempFiles(paths: StatePaths, name: string): Promise<readonly string[]> {
  const leftovers = (await readdir(paths.dir, { withFileTypes: true }))
    .filter((entry) => isTempName(entry.name, name) && !entry.isDirectory())
    .map((entry) => join(paths.dir, entry.name));
  for (const path of leftovers) removeFile(path);
  return leftovers;
}

async function lstatIfPresent(path: string): Promise<Stats | null> {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

const planted = (path: string, found: string, expected: string) =>
  fail('state-dir', `${path}: found ${found}, expected ${expected}`, { path, found, expected });
