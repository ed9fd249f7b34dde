// A slot's socket file: whether somebody listens behind it.
import { lstatSync } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { fail } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import { isErrno, removeFile } from './atomic-file.ts';
import { kindOf } from './file-kind.ts';
import { knockAt } from './knock.ts';
import { socketInodesOf } from './processes/open-sockets.ts';
import { listPids } from './processes/stat.ts';
import { readSocketTables, rowsNamed } from './socket-table.ts';

/** Asked every few milliseconds while a backend starts: a promise of the same costs the app forty times the CPU time. */
export const socketExists = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false })?.isSocket() ?? false;

/**
 * Makes sure that nothing stands in the way of a new backend's bind(2): removes a socket file that nobody listens at.
 * Only under the lock, and only when the former backend has certainly exited. True when it removed one.
 * @throws `socket-in-use` when somebody listens there, or when the path holds something else than a socket.
 */
export async function clearSocketFile(slot: Slot, path: string): Promise<boolean> {
  if (!(await isStaleSocket(slot, path))) return false;
  removeFile(path);
  return true;
}

/** Whether there is a socket file that nobody listens at. @throws `socket-in-use` */
export async function isStaleSocket(slot: Slot, path: string): Promise<boolean> {
  const inUse = (by: string) => fail('socket-in-use', `slot ${slot}: ${path} is in use by ${by}`, { slot, path, by });
  const found = await lstat(path).catch((error: unknown) => {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  });
  if (found === null) return false;
  // Looked at first: ECONNREFUSED is also what a plain file answers, and a symlink leads who knows where.
  if (!found.isSocket()) throw inUse(`${kindOf(found)} that is not a socket`);
  const knock = await knockAt(path);
  if (knock === 'missing') return false;
  if (knock !== 'refused')
    throw inUse(knock === 'answered' ? listenerOf(path) : `something that answers ${knock.errno}`);
  return true;
}

/** Says who listens at a path, as far as we may see. */
function listenerOf(path: string): string {
  const rows = (readSocketTables(process.pid) ?? []).flatMap((table) => rowsNamed(table, path));
  const inode = rows.find((row) => row.isListening)?.inode;
  const pid =
    inode === undefined ? undefined : listPids().find((candidate) => socketInodesOf(candidate).includes(inode));
  return pid === undefined ? 'a process that is not ours' : `process ${pid}, which is not ours`;
}
