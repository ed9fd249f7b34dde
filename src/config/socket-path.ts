// The one limit of a unix socket that people run into.
import { join } from 'node:path';
import type { ConfigProblem } from '../core/failure.ts';

/** `sun_path` of unix(7) has 108 bytes with the final NUL. Node cuts off the rest without a word. */
export const MAX_SOCKET_PATH_BYTES = 107;

/** The problem with the longest socket path of an app, or null. */
export function socketPathProblem(stateDir: string, name: string): ConfigProblem | null {
  const path = join(stateDir, `${name}-a.socket`);
  const bytes = Buffer.byteLength(path);
  if (bytes <= MAX_SOCKET_PATH_BYTES) return null;
  return {
    key: 'stateDir',
    found: `a socket path of ${bytes} bytes (${path})`,
    expected: `at most ${MAX_SOCKET_PATH_BYTES} bytes, the limit of unix(7): choose a shorter stateDir, such as /run/${name}`,
  };
}
