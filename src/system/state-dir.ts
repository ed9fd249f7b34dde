// The state dir itself: made 0750 where missing, refused where others could plant files in it.
import { chown, lstat, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../core/config.ts';
import { fail } from '../core/failure.ts';
import { isErrno, isTempName } from './atomic-file.ts';
import { groupId } from './group-id.ts';
import type { StatePaths } from './state-paths.ts';

/**
 * Makes the state dir ready for an operation that changes things.
 * @throws `state-dir` when it is not a directory, is writable for everybody, or belongs to another user.
 */
export async function openStateDir(config: Config): Promise<void> {
  const found = await lstatIfPresent(config.stateDir);
  if (found === null) {
    await mkdir(config.stateDir, { recursive: true, mode: 0o750 });
    // connect(2) needs search permission on the directory: nginx's group gets it along with the socket.
    if (config.socketGroup !== null) await chown(config.stateDir, -1, await groupId(config.socketGroup));
    return;
  }
  const refuse = (what: string, expected: string) =>
    fail('state-dir', `state dir ${config.stateDir} ${what}; expected ${expected}`, {
      path: config.stateDir,
      found: what,
      expected,
    });

  if (!found.isDirectory()) throw refuse('is not a directory', 'a directory');
  if ((found.mode & 0o002) !== 0)
    throw refuse(
      `is writable for everybody (mode ${(found.mode & 0o7777).toString(8).padStart(4, '0')})`,
      'one that only its owner and group may write to, as after `chmod 0750`',
    );
  const user = process.geteuid?.();
  if (user !== undefined && found.uid !== user)
    throw refuse(`belongs to user ${found.uid}, and this is user ${user}`, 'to be run as the owner of the state dir');
}

/** Removes temp files that a killed process left. Only under the lock: nobody else writes then. */
export async function sweepTempFiles(paths: StatePaths, name: string): Promise<readonly string[]> {
  const leftovers = (await readdir(paths.dir))
    .filter((file) => isTempName(file, name))
    .map((file) => join(paths.dir, file));
  await Promise.all(leftovers.map((path) => rm(path, { force: true })));
  return leftovers;
}

async function lstatIfPresent(path: string) {
  try {
    return await lstat(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}
