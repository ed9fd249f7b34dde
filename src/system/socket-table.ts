// The kernel's tables of unix sockets, /proc/<pid>/net/unix, proc_pid_net(5): one per network namespace.
import { readFileSync, statSync } from 'node:fs';
import { isErrno } from './atomic-file.ts';
import { listPids } from './processes/stat.ts';

const LISTENING_FLAG = 0x10000; // __SO_ACCEPTCON

/** One row of the table. */
export interface SocketRow {
  readonly isListening: boolean;
  readonly state: string;
  readonly inode: string;
  /** As it was bound; empty for the client's end of a connection. */
  readonly name: string;
}

/** The raw table of the network namespace that the process lives in; null where it cannot be read. */
export function readSocketTable(pid: number): Buffer | null {
  try {
    return readFileSync(`/proc/${pid}/net/unix`);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL')) return null;
    throw error;
  }
}

/** Of this turn of the event loop: `status` looks at both slots, and a table of 50,000 sockets takes 60 ms to read. */
let seenNow: { readonly inode: number | null; readonly tables: readonly Buffer[] } | null = null;

/**
 * The tables of all network namespaces that a process which we see lives in, that of `pid` first; null where that cannot be
 * read. The kernel lists a listener in the namespace of its process, and a connection in the one of the *client*, both under
 * the listener's name (unix_stream_connect() of af_unix.c): with a proxy in a container these are two tables.
 */
export function readSocketTables(pid: number): readonly Buffer[] | null {
  const ownInode = tableInode(pid);
  if (seenNow !== null && ownInode !== null && seenNow.inode === ownInode) return seenNow.tables;
  const own = readSocketTable(pid);
  if (own === null) return null;
  const seen = new Set([ownInode, null]);
  const others: Buffer[] = [];
  for (const other of listPids()) {
    const inode = tableInode(other);
    if (seen.has(inode)) continue;
    const table = readSocketTable(other);
    if (table === null) continue;
    seen.add(inode);
    others.push(table);
  }
  const tables = [own, ...others];
  seenNow = { inode: ownInode, tables };
  queueMicrotask(() => {
    seenNow = null;
  });
  return tables;
}

/** The tables of every other kind of socket, as text. */
export function otherSocketTables(pid: number): readonly string[] {
  return ['tcp', 'tcp6', 'udp', 'udp6', 'raw', 'raw6', 'netlink', 'packet', 'icmp', 'icmp6'].flatMap((kind) => {
    try {
      return [readFileSync(`/proc/${pid}/net/${kind}`, 'latin1')];
    } catch (error) {
      if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL')) return [];
      throw error;
    }
  });
}

/** The same for all processes of a network namespace, and needs no right that /proc/<pid>/ns would. */
function tableInode(pid: number): number | null {
  try {
    return statSync(`/proc/${pid}/net/unix`, { throwIfNoEntry: false })?.ino ?? null;
  } catch (error) {
    if (isErrno(error, 'ESRCH', 'EACCES', 'EPERM', 'EINVAL')) return null;
    throw error;
  }
}

/** The rows whose socket was bound by exactly this name. The scan is a memchr over the table, not a split of it. */
export function rowsNamed(table: Buffer, name: string): readonly SocketRow[] {
  const needle = Buffer.from(` ${name}\n`);
  const rows: SocketRow[] = [];
  for (let at = table.indexOf(needle); at !== -1; at = table.indexOf(needle, at + needle.length - 1)) {
    const lineStart = table.lastIndexOf(0x0a, at) + 1;
    const row = parseRow(table.toString('latin1', lineStart, at), name);
    if (row !== null) rows.push(row);
  }
  return rows;
}

/** All rows of listening sockets. */
export function listeningRows(table: Buffer): readonly SocketRow[] {
  return table
    .toString('utf8')
    .split('\n')
    .filter((line) => line.includes(' 00010000 '))
    .map((line) => parseRow(line, line.split(/\s+/).slice(7).join(' ')))
    .filter((row): row is SocketRow => row !== null);
}

function parseRow(line: string, name: string): SocketRow | null {
  const [, , , flags, , state, inode] = line.split(/\s+/);
  if (flags === undefined || state === undefined || inode === undefined) return null;
  return { isListening: (Number.parseInt(flags, 16) & LISTENING_FLAG) !== 0, state, inode, name };
}
