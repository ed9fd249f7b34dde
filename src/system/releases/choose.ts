// Which directory a backend is to be started from: the configured one, a release directory by its name, or a worktree.
import { realpath, stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { Config } from '../../core/config.ts';
import type { EventSink } from '../../core/events.ts';
import { fail } from '../../core/failure.ts';
import type { StatePaths } from '../state-paths.ts';

/**
 * What is on disk now, or the release of that name: a directory, or with `release: git` a commit. Null is the configured
 * directory, whose symlinks are resolved at the start. With git this may take minutes: not under the lock.
 * @throws `release-failed`, `aborted`
 */
export async function chooseRelease(
  config: Config,
  paths: StatePaths,
  wanted: string | null,
  emit: EventSink,
  signal: AbortSignal,
): Promise<string | null> {
  if (config.release !== null) {
    const { worktreeOf } = await import('./worktrees.ts');
    return worktreeOf({ ...config, release: config.release }, paths, wanted, emit, signal);
  }
  return wanted === null ? null : directoryOf(config, wanted);
}

async function directoryOf({ file, cwd }: Config, wanted: string): Promise<string> {
  const path = resolve(file === null ? cwd : dirname(file), wanted);
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => error);
  const reason = found instanceof Error ? found.message : found.isDirectory() ? null : 'it is not a directory';
  if (reason === null) return realpath(path);
  throw fail('release-failed', `--release ${wanted}: ${path} cannot be run from: ${reason}`, {
    command: `--release ${wanted}`,
    reason: `${path}: ${reason}`,
    output: [],
  });
}
