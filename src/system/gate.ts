// A mutex that the kernel frees with its holder: an abstract unix socket, unix(7). Held for milliseconds, around taking
// the lock.
import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import { createServer } from 'node:net';
import { isErrno } from './atomic-file.ts';
import type { StatePaths } from './state-paths.ts';

/** Named after the directory itself: whatever path it is reached by, it is the same gate. */
export function gateName(paths: StatePaths): string {
  const { dev, ino } = statSync(paths.dir);
  const identity = `${dev}:${ino}:${paths.lock.slice(paths.dir.length)}`;
  return `graceful-gate-${createHash('sha256').update(identity).digest('hex').slice(0, 32)}`;
}

/** The gate, or null when another process is inside. */
export function enterGate(paths: StatePaths): Promise<AsyncDisposable | null> {
  const name = gateName(paths);
  return new Promise((resolve, reject) => {
    const server = createServer((stranger) => stranger.destroy());
    server.once('error', (error) => (isErrno(error, 'EADDRINUSE') ? resolve(null) : reject(error)));
    server.listen({ path: `\0${name}`, exclusive: true }, () =>
      resolve({ [Symbol.asyncDispose]: () => new Promise((closed) => server.close(() => closed())) }),
    );
  });
}
