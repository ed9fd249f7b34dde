// The user as whom the proxy connects, and what the kernel answers to that user.
import { lstatSync, readFileSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import type { NginxFacts } from './nginx/facts.ts';
import { ask } from './run-program.ts';

export interface User {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  /** Of its own group: what socketGroup has to be. */
  readonly groupName: string;
}

export const describeUser = ({ name, uid }: User): string =>
  name === String(uid) ? `user ${uid}` : `${name} (user ${uid})`;

/** The named one; else that of a running worker, which has its groups from when it was started; else that of the configuration. */
export async function userOf(name: string | null, nginx: NginxFacts): Promise<User | null> {
  const worker = nginx.workerPids[0];
  if (name === null && worker !== undefined) {
    const fromWorker = await ofProcess(worker);
    if (fromWorker !== null) return fromWorker;
  }
  const user = name ?? nginx.user ?? 'nobody';
  const entry = (await ask('getent', ['passwd', user])).stdout.split(':');
  const [login = '', , uid, gid] = entry;
  if (uid === undefined || gid === undefined) return null;
  const groups = (await ask('id', ['-G', login])).stdout.split(/\s+/).filter(Boolean).map(Number);
  return { name: login, uid: Number(uid), gid: Number(gid), groups, groupName: await groupName(Number(gid)) };
}

async function ofProcess(pid: number): Promise<User | null> {
  let status: string;
  try {
    status = readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    return null; // gone meanwhile
  }
  const numbers = (field: string): readonly number[] =>
    (new RegExp(`^${field}:(.*)$`, 'm').exec(status)?.[1] ?? '').split(/\s+/).filter(Boolean).map(Number);
  const [uid, gid] = [numbers('Uid')[1], numbers('Gid')[1]]; // the effective ones
  if (uid === undefined || gid === undefined) return null;
  const name = (await ask('getent', ['passwd', String(uid)])).stdout.split(':')[0];
  return { name: name || String(uid), uid, gid, groups: numbers('Groups'), groupName: await groupName(gid) };
}

async function groupName(gid: number): Promise<string> {
  return (await ask('getent', ['group', String(gid)])).stdout.split(':')[0] || String(gid);
}

/** Whether the user may pass through a directory. */
export function mayEnter(directory: string, user: User): boolean {
  if (isRoot())
    return as(user, () => {
      try {
        lstatSync(`${directory}/.`);
        return true;
      } catch {
        return false; // EACCES
      }
    });
  return hasRight(directory, user, 0o1);
}

/** Null when the connect is let through; else what stood in the way. */
export async function mayConnect(path: string, user: User): Promise<string | null> {
  if (!isRoot()) return hasRight(path, user, 0o2) ? null : 'no write permission on the socket';
  // uv_pipe_connect() calls connect(2) before it returns: the answer comes later, the rights are those of now.
  const socket = as(user, () => connect(path));
  return new Promise((resolve) => {
    socket.once('connect', () => {
      socket.destroy();
      resolve(null);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
  });
}

/** Does `work` with the effective user and groups of somebody else; only synchronous work, since all threads change. */
function as<T>(user: User, work: () => T): T {
  const { getgroups, setgroups, setegid, seteuid, getegid, geteuid } = process;
  if (!getgroups || !setgroups || !setegid || !seteuid || !getegid || !geteuid) return work(); // not POSIX
  const before = { groups: getgroups(), gid: getegid(), uid: geteuid() };
  setgroups([...user.groups]);
  setegid(user.gid);
  seteuid(user.uid);
  try {
    return work();
  } finally {
    seteuid(before.uid);
    setegid(before.gid);
    setgroups(before.groups);
  }
}

/** By owner, group and others, in this order: path_resolution(7). Access control lists are not looked at. */
function hasRight(path: string, { uid, gid, groups }: User, bit: number): boolean {
  if (uid === 0) return true;
  const { mode, uid: owner, gid: group } = statSync(path);
  if (owner === uid) return (mode & (bit << 6)) !== 0;
  if (group === gid || groups.includes(group)) return (mode & (bit << 3)) !== 0;
  return (mode & bit) !== 0;
}

const isRoot = (): boolean => process.geteuid?.() === 0;
