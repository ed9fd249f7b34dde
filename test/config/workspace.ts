// A directory of real files that goes away with the test.
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type LoadRequest, loadConfig } from '../../src/config/load.ts';
import type { Config } from '../../src/core/config.ts';
import { GracefulError } from '../../src/core/failure.ts';

export interface Workspace extends Disposable {
  readonly dir: string;
  /** Writes a file, with its directories; objects become JSON. Returns its path. */
  write(path: string, content: string | object, mode?: number): string;
  load(request?: Partial<LoadRequest>): Promise<Config>;
  /** The failure that loading ends with. */
  failure(request?: Partial<LoadRequest>): Promise<GracefulError>;
}

export function workspace(files: Readonly<Record<string, string | object>> = {}): Workspace {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'gc-')));
  const write: Workspace['write'] = (path, content, mode) => {
    const full = join(dir, path);
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, typeof content === 'string' ? content : JSON.stringify(content));
    if (mode !== undefined) chmodSync(full, mode);
    return full;
  };
  for (const [path, content] of Object.entries(files)) write(path, content);
  const load: Workspace['load'] = (request) =>
    loadConfig({ cwd: dir, env: {}, file: null, stateDir: null, ...request });
  return {
    dir,
    write,
    load,
    failure: async (request) => {
      const thrown = await load(request).then(
        (config) => new Error(`loaded ${JSON.stringify(config)}`),
        (error: unknown) => error,
      );
      if (thrown instanceof GracefulError && thrown.failure.code === 'config' && thrown.exitCode === 2) return thrown;
      throw thrown;
    },
    [Symbol.dispose]: () => rmSync(dir, { recursive: true, force: true }),
  };
}
