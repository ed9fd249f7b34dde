// The app's repository, as a developer pushes to it: the example app, its version, and the configuration of graceful.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { appPath } from '../rig/paths.ts';
import { program } from './programs.ts';

export interface Repository {
  readonly path: string;
  /** Commits a version; one that is broken ends before it listens. */
  commit(version: string, options?: { readonly broken?: boolean }): void;
}

const CONFIG = {
  command: 'node app.mjs',
  // With the name and the place that nginx/graceful-plain.conf has.
  stateDir: '/run/app',
  socketGroup: 'www-data',
  health: { type: 'http', path: '/healthz' },
  // What git changes under a running app is the next version's.
  release: { type: 'git', dir: '/srv/releases' },
} as const;

export function createRepository(path: string): Repository {
  mkdirSync(path);
  const git = (...args: readonly string[]): void => {
    const identity = ['-c', 'user.name=dev', '-c', 'user.email=dev@example.org', '-c', 'init.defaultBranch=main'];
    execFileSync(program('git'), [...identity, ...args], { cwd: path, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  git('init', '-q');
  copyFileSync(appPath.node, join(path, 'app.mjs'));
  return {
    path,
    commit(version, { broken = false } = {}) {
      const env = { APP_VERSION_FILE: 'version', APP_DELAY: '5-15', ...(broken && { APP_BROKEN: 'exits' }) };
      writeFileSync(join(path, 'version'), `${version}\n`);
      writeFileSync(join(path, 'graceful.config.json'), `${JSON.stringify({ ...CONFIG, env }, null, 2)}\n`);
      git('add', '-A');
      git('commit', '-qm', `version ${version}`);
    },
  };
}
