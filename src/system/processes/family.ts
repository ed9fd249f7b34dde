// Which processes descend from a backend, also after it has died itself. Nothing is counted in that is not certainly ours.
import type { BackendRecord } from '../backend-record.ts';
import { readSocketTables, rowsNamed } from '../socket-table.ts';
import { environmentVariable } from './environment.ts';
import { bootId, isAlive, type ProcessIdentity } from './identity.ts';
import { socketInodesOf } from './open-sockets.ts';
import { listProcesses, type ProcessStat, readStat } from './stat.ts';

/** What tells a process of ours and its descendants: a backend's record, or a hook's. */
export type Family = Pick<BackendRecord, keyof ProcessIdentity | 'instance' | 'slot'>;

/**
 * The live processes that the backend left behind or still has, itself excluded. A process is ours when it inherited
 * the backend's GRACEFUL_INSTANCE; when it is in the session of the backend while that still lives; or, for those that
 * write over their environment to set a title, when it is in that session and holds the slot's listening socket.
 */
export function familyOf(record: Family, socketPath: string): readonly ProcessIdentity[] {
  // After a reboot neither pids nor times mean anything.
  if (record.bootId !== bootId()) return [];
  const leaderLives = isAlive(record);
  // The table of a busy host takes a while to read, and hardly ever has to be asked.
  let listening: ReadonlySet<string> | undefined;
  const listens = (pid: number): boolean => {
    listening ??= listenersOf(socketPath);
    return socketInodesOf(pid).some((inode) => listening?.has(inode));
  };
  const isOurs = (stat: ProcessStat): boolean => {
    if (Number(stat.startTicks) < Number(record.startTicks)) return false;
    if (environmentVariable(stat.pid, 'GRACEFUL_INSTANCE') === record.instance) return true;
    if (stat.session !== record.pid) return false;
    return leaderLives || listens(stat.pid);
  };
  return listProcesses()
    .filter((stat) => stat.pid !== record.pid && stat.pid !== process.pid && isOurs(stat))
    .map(({ pid, startTicks }) => ({ pid, startTicks, bootId: record.bootId }));
}

/**
 * Whether the live process with this pid can be what the record says, whoever wrote that: what we start leads a session of
 * its own, and can leave it by no system call; and none has inherited another's GRACEFUL_INSTANCE.
 */
export function canBe({ pid, instance }: Pick<Family, 'pid' | 'instance'>): boolean {
  const stat = readStat(pid);
  if (stat !== null && stat.session !== pid) return false;
  const inherited = environmentVariable(pid, 'GRACEFUL_INSTANCE');
  return inherited === null || inherited === instance;
}

function listenersOf(socketPath: string): ReadonlySet<string> {
  const rows = (readSocketTables(process.pid) ?? []).flatMap((table) => rowsNamed(table, socketPath));
  return new Set(rows.filter((row) => row.isListening).map((row) => row.inode));
}
