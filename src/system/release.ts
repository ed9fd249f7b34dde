// Which code a backend is started with: the git commit of its directory, else the release directory it resolved to.
import { stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { execa } from 'execa';
import { spawning } from './processes/spawn.ts';

/** A short commit, a release directory's name, or null where neither applies. */
export async function releaseOf(configuredCwd: string, resolvedCwd: string): Promise<string | null> {
  // safe.directory: reading a commit out of another user's checkout runs nothing of it.
  const { child } = await spawning(() =>
    execa('git', ['-c', 'safe.directory=*', 'rev-parse', '--show-toplevel', '--short=8', 'HEAD'], {
      cwd: resolvedCwd,
      // In a git hook GIT_DIR is set, and would name that repository instead of the app's.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
      extendEnv: false,
      reject: false,
      timeout: 2000,
      stdin: 'ignore',
    }),
  );
  const git = await child;
  const [checkout = '', commit = ''] = git.failed ? [] : git.stdout.split('\n');
  // A release directory inside the checkout of something else, which also holds the link to it, is no commit of that.
  const isOfAnother = configuredCwd !== resolvedCwd && checkout !== resolvedCwd && isIn(configuredCwd, checkout);
  if (commit !== '' && !isOfAnother) return commit;
  return configuredCwd === resolvedCwd ? null : basename(resolvedCwd);
}

/** The same of any directory; null when there is none. */
export async function releaseAt(configuredCwd: string, directory: string): Promise<{ release: string | null } | null> {
  const isThere = await stat(directory).then(
    (found) => found.isDirectory(),
    () => false,
  );
  return isThere ? { release: await releaseOf(configuredCwd, directory) } : null;
}

const isIn = (path: string, directory: string): boolean => path === directory || path.startsWith(`${directory}/`);
