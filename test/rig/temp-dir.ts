// A directory for one test. Its path is short, since a unix socket's may have 107 bytes at most (and macOS's tmpdir is long).
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';

export interface TempDir extends AsyncDisposable {
  readonly path: string;
  /** A path in it. */
  join(...parts: readonly string[]): string;
}

/** Makes a directory, mode 0700, that is removed with everything in it when it is disposed of. */
export const tempDir = async (): Promise<TempDir> => {
  const path = await realpath(await mkdtemp('/tmp/gr-'));
  return {
    path,
    join: (...parts) => join(path, ...parts),
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
};
