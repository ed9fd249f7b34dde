// What is worth knowing right after the file was written.
import { existsSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import type { Config } from '../../core/config.ts';
import { runTool } from '../programs.ts';

/** Sentences, perhaps none. */
export async function adviceFor(config: Config, dir: string, env: NodeJS.ProcessEnv): Promise<readonly string[]> {
  const inside = relative(dir, config.stateDir);
  if (inside.startsWith('..') || !isInRepository(dir)) return [];
  const { exitCode } = await runTool('git', ['check-ignore', '-q', `${inside}/x`], { env, cwd: dir }).catch(() => ({
    exitCode: 0,
  }));
  return exitCode === 1 ? [`Sockets and logs come to ${inside}: put it into .gitignore.`] : [];
}

const isInRepository = (dir: string): boolean =>
  existsSync(join(dir, '.git')) || (dirname(dir) !== dir && isInRepository(dirname(dir)));
