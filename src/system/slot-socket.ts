// `listen: inherit`: we bind the slot's socket and pass it on, so there is no moment in which it has the wrong rights, and
// connects wait in its backlog while a worker is being replaced.
import { linkSync, renameSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Config } from '../core/config.ts';
import { tempPathFor } from './atomic-file.ts';

/** Of those who may bind: more than SOMAXCONN is cut down to it, listen(2). */
const BACKLOG = 4096;

/** A listening socket of which a child is to get a copy. */
export interface SlotSocket {
  readonly fd: number;
  /** Lets go of it, and leaves the file. In the same turn of the event loop as its making, or we would accept its clients. */
  release(): void;
}

/**
 * Binds and listens, with `socketMode` from the first moment on. Nothing may be awaited until it is released.
 * @throws the errno of bind(2)
 */
export function listenAt(path: string, { socketMode }: Config): SlotSocket {
  const server = createServer();
  let refusal: NodeJS.ErrnoException | null = null;
  server.on('error', (error) => {
    refusal = error;
  });
  const before = process.umask(0o777 & ~socketMode);
  try {
    server.listen({ path, backlog: BACKLOG });
  } finally {
    process.umask(before);
  }
  // Node has no name for the descriptor of a server; libuv has bound it by now, or failed to.
  const { fd } = (server as unknown as { readonly _handle: { readonly fd: number } | null })._handle ?? { fd: -1 };
  if (fd === -1)
    throw Object.assign(refusal ?? new Error(`bind ${path}`), { code: 'EADDRINUSE', syscall: 'bind', path });
  return {
    fd,
    release() {
      // libuv unlinks what it has bound (uv__pipe_close): the file is kept under another name meanwhile.
      const kept = tempPathFor(path);
      try {
        linkSync(path, kept);
      } finally {
        server.close();
      }
      renameSync(kept, path);
    },
  };
}
