// How many clients are connected to a backend, by the kernel's own count. It needs no help from the app or the proxy,
// survives unlink(2) of the socket and sees connects that were made through the link.
import type { Connections } from '../core/events.ts';
import { nobodyListensAt } from './knock.ts';
import { boundTo } from './listeners.ts';
import { isInContainer } from './processes/identity.ts';
import { socketInodesOf } from './processes/open-sockets.ts';
import { treeOf } from './processes/usage.ts';
import { listeningRows, otherSocketTables, readSocketTables, rowsNamed, type SocketRow } from './socket-table.ts';

const QUEUED = '02'; // SS_CONNECTING: in the backlog, not yet accepted
const ACCEPTED = '03'; // SS_CONNECTED
const NONE: Connections = { accepted: 0, queued: 0 };

/**
 * Connections to the backend on `socketPath` whose leader is `pid`. Null where no table of the kernel's that we may read
 * shows its listener (another pid namespace, not Linux): then nobody can tell, and a drain has to be timed.
 */
export async function countConnections(pid: number, socketPath: string): Promise<Connections | null> {
  const tables = readSocketTables(pid);
  if (tables === null) return null;
  const rowsOf = (name: string): readonly SocketRow[] => tables.flatMap((table) => rowsNamed(table, name));
  const rows = rowsOf(socketPath);
  if (rows.some((row) => row.isListening))
    return plus(tally(rows), isInContainer() ? hiddenConnections(pid, tables) : 0);

  const names = otherNamesOf(pid, socketPath, tables);
  if (names.length > 0) return tally(names.flatMap(rowsOf));
  if (rows.length > 0) return tally(rows);
  return (await nobodyListensAt(socketPath)) ? NONE : null;
}

/** A socket may be bound under another spelling: a relative path, or a temp name that was renamed into place. */
function otherNamesOf(pid: number, socketPath: string, tables: readonly Buffer[]): readonly string[] {
  const inodes = new Set(treeOf(pid).flatMap(socketInodesOf));
  return tables
    .flatMap(listeningRows)
    .filter((row) => inodes.has(row.inode) && boundTo(row.name, pid, socketPath))
    .map((row) => row.name);
}

const tally = (rows: readonly SocketRow[]): Connections => ({
  accepted: rows.filter((row) => row.state === ACCEPTED && !row.isListening).length,
  queued: rows.filter((row) => row.state === QUEUED).length,
});

/**
 * Connections whose rows are in a table that we may not read: a proxy in another container has a network namespace of its
 * own. What we do see is that the backend holds a socket open which stands in no table at all.
 */
function hiddenConnections(pid: number, tables: readonly Buffer[]): number {
  const held = new Set(treeOf(pid).flatMap(socketInodesOf));
  if (held.size === 0) return 0;
  for (const table of [...tables.map((unix) => unix.toString('latin1')), ...otherSocketTables(pid)])
    for (const inode of held) if (new RegExp(`\\s${inode}(?:\\s|$)`, 'm').test(table)) held.delete(inode);
  return held.size;
}

const plus = ({ accepted, queued }: Connections, more: number): Connections => ({ accepted: accepted + more, queued });
