// Where a process listens: to tell a backend that chose another place which path it should have bound.
import { readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { isErrno } from './atomic-file.ts';
import { socketInodesOf } from './processes/open-sockets.ts';
import { treeOf } from './processes/usage.ts';
import { listeningRows, readSocketTable } from './socket-table.ts';

/** Places that the process or a descendant listens at, each once: unix paths, and `TCP port 8000`. */
export function listeningAddresses(pid: number): readonly string[] {
  const inodes = new Set(treeOf(pid).flatMap(socketInodesOf));
  const table = readSocketTable(pid);
  const unix =
    table === null
      ? []
      : listeningRows(table)
          .filter((row) => inodes.has(row.inode))
          .map((row) => row.name);
  // A port may be listened at for several addresses. And the kernel's tables, read while sockets come and go, may show a row twice.
  return [...new Set([...unix, ...tcpListeners(pid, 'tcp', inodes), ...tcpListeners(pid, 'tcp6', inodes)])];
}

/**
 * Whether a name that the process bound leads to the same socket file as `socketPath`, or led there once: the kernel shows
 * the name as it was bound, so one that has gone from that directory was renamed into place.
 */
export function boundTo(name: string, pid: number, socketPath: string): boolean {
  // The process's own root and working directory decide what a name means.
  const path = isAbsolute(name) ? name : join(`/proc/${pid}/cwd`, name);
  if (fileAt(socketPath) === null) return false;
  return fileAt(path) === null
    ? fileAt(dirname(path)) === fileAt(dirname(socketPath))
    : fileAt(path) === fileAt(socketPath);
}

/** Which file it is, by device and inode; null where there is none. */
function fileAt(path: string): string | null {
  try {
    const { dev, ino } = statSync(path);
    return `${dev}:${ino}`;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'EACCES', 'ESRCH', 'ENOTDIR')) return null;
    throw error;
  }
}

/** LISTEN (state 0A) rows of /proc/<pid>/net/tcp, proc_pid_net(5): address and port in hexadecimal. */
function tcpListeners(pid: number, table: 'tcp' | 'tcp6', inodes: ReadonlySet<string>): readonly string[] {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/net/${table}`, 'latin1');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EINVAL')) return [];
    throw error;
  }
  return text
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .filter((fields) => fields[3] === '0A' && inodes.has(fields[9] ?? ''))
    .map((fields) => `TCP port ${Number.parseInt((fields[1] ?? '').split(':')[1] ?? '', 16)}`);
}
