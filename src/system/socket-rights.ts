// Who may connect to a slot's socket: its mode and its group.
import { lstatSync, statSync } from 'node:fs';
import { chmod, chown } from 'node:fs/promises';
import type { Config } from '../core/config.ts';
import { fail } from '../core/failure.ts';
import { isErrno } from './atomic-file.ts';
import { groupId } from './group-id.ts';

/** S_ISGID of inode(7), for which node:fs has no name. */
const SET_GROUP_ID = 0o2000;

/**
 * Sets mode and group as configured. The link must not point here before. Without `socketGroup` a new one gets the group of the
 * socket at `serving`, whoever starts it: a proxy that reaches the old version has to reach the new one.
 */
export async function applySocketRights(path: string, config: Config, serving: string | null): Promise<void> {
  if (config.socketGroup !== null) await chown(path, -1, await groupId(config.socketGroup));
  else await keepGroup(path, serving);
  await chmod(path, config.socketMode);
}

/**
 * Finds out, before anything is stopped for it, whether a new socket can have its group.
 * @throws `config` when there is no such group, or this user may not give a file to it, or to that of the socket at `serving`.
 */
export async function checkSocketGroup(config: Config, serving: string | null): Promise<void> {
  const { socketGroup, socketMode, stateDir, file } = config;
  const group = socketGroup === null ? groupOf(serving) : await groupId(socketGroup);
  const isOnlyForGroup = (socketMode & 0o020) !== 0 && (socketMode & 0o002) === 0; // connect(2) asks for write
  if (group === null || mayGive(group, stateDir) || (socketGroup === null && !isOnlyForGroup)) return;
  const found =
    socketGroup === null ? `none, and ${serving}, which serves, is of group ${group}` : JSON.stringify(socketGroup);
  const expected = `the proxy's group, and this user (${process.geteuid?.()}) in it: usermod -aG, then log in again`;
  throw fail('config', `socketGroup: found ${found}, expected ${expected}`, {
    file,
    problems: [{ key: 'socketGroup', found, expected }],
  });
}

async function keepGroup(path: string, serving: string | null): Promise<void> {
  const group = groupOf(serving);
  try {
    if (group !== null) await chown(path, -1, group);
  } catch (error) {
    // Asked before a start, see checkSocketGroup(). Where nothing serves any more, that is no reason not to start.
    if (!isErrno(error, 'EPERM')) throw error;
  }
}

const groupOf = (path: string | null): number | null => {
  const found = path === null ? undefined : lstatSync(path, { throwIfNoEntry: false });
  return found?.isSocket() ? found.gid : null;
};

/** chown(2): the owner may give a file to the groups he is in; in a directory with the set-group-ID bit it has that one's. */
function mayGive(group: number, directory: string): boolean {
  const { geteuid, getegid, getgroups } = process;
  if (!geteuid || !getegid || !getgroups || geteuid() === 0) return true;
  if (getegid() === group || getgroups().includes(group)) return true;
  const found = statSync(directory, { throwIfNoEntry: false });
  return found?.gid === group && (found.mode & SET_GROUP_ID) !== 0;
}
