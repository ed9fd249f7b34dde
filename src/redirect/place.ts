// Where the app's listen is moved to.
import { readFileSync, rmSync, statSync } from 'node:fs';

export type Place = { readonly path: string } | { readonly fd: number };

/** The first descriptor that is passed on, sd_listen_fds(3). */
const INHERITED_FD = 3;

let isFdSpent = false;

/**
 * The slot's socket: the descriptor that several workers share, or else the path, through whatever wrappers we were started.
 * @throws why it cannot be this process that listens there
 */
export function slotPlace(socket: string, isClusterWorker: boolean): Place {
  if (process.env['LISTEN_FDS'] === undefined) {
    // Of a cluster, the primary binds it, once for all of its workers.
    if (!isClusterWorker) assertFree(socket);
    return { path: socket };
  }
  if (process.env['LISTEN_PID'] !== String(process.pid))
    throw new Error('with `workers`, the command has to become the app itself: npm passes no descriptor on');
  if (isFdSpent) throw new Error('with `workers`, only one listen can be moved, and its server was closed');
  isFdSpent = true;
  return { fd: INHERITED_FD };
}

/** Who came first keeps the path. What a process left that was killed under its wrapper is in nobody's way. */
function assertFree(socket: string): void {
  const found = statSync(socket, { throwIfNoEntry: false });
  if (found === undefined) return;
  if (!found.isSocket()) throw new Error(`${socket} is no socket`);
  if (hasListener(socket)) throw new Error('another process of the backend listens at its socket already');
  rmSync(socket, { force: true });
}

/** proc_pid_net(5): `Num RefCount Protocol Flags Type St Inode Path`, with __SO_ACCEPTCON in the flags. */
const hasListener = (socket: string): boolean =>
  readFileSync('/proc/net/unix', 'utf8')
    .split('\n')
    .map((line) => /^\S+ \S+ \S+ 00010000 \S+ \S+ +\d+ (.+)$/.exec(line)?.[1])
    .some((name) => name !== undefined && mayMean(name, socket));

/** The primary of a cluster binds by the shortest name, relative to a directory that we do not know. */
const mayMean = (name: string, socket: string): boolean =>
  name.startsWith('/') ? name === socket : socket.endsWith(`/${name.replace(/^(\.\.?\/)+/, '')}`);
