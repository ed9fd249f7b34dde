// The table: one row per directory in docs/examples, with what its test needs and how its program is made.
import { execFileSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readdirSync, renameSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { NginxOptions } from '../../rig/nginx.ts';
import { inRepo } from '../../rig/paths.ts';
import { requirementsIn } from '../../rig/requirements.ts';

export type Program = 'nginx' | 'wrk' | 'gunicorn' | 'uvicorn' | 'puma' | 'php-fpm' | 'gcc' | 'go';

export const { need, skipUnless } = requirementsIn<Program>(inRepo('test/backends/kit/requirements.json'));

export interface Backend {
  /** Its directory in docs/examples. */
  readonly example: string;
  /** The `name` in its configuration; `app` unless said otherwise. */
  readonly name?: string;
  /** Besides nginx and wrk. */
  readonly needs?: readonly Program[];
  /** The configurations of nginx that it is tried behind; `plain` and `keepalive` unless said otherwise. */
  readonly nginx?: readonly NginxOptions['config'][];
  /** What its user does once, in its directory: compile it, install packages. */
  readonly prepare?: (dir: string) => void;
  /** What its user does for each version; only the file `version` changes unless said otherwise. */
  readonly deploy?: (dir: string, version: number) => void;
}

/** What `npm install` of the example's package.json has left in .cache. */
const npmPackages = (example: string) => (dir: string) =>
  symlinkSync(inRepo('.cache/backends', example, 'node_modules'), join(dir, 'node_modules'));

const run =
  (program: Program, ...args: readonly string[]) =>
  (dir: string) => {
    execFileSync(need(program), args, { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] });
  };

const NOT_RELEASED = ['graceful.config.yaml', 'bin', 'current', 'releases', 'var'];

/** A release directory of its own, and the link `current` to it: as deployment tools do. */
function makeRelease(dir: string, version: number): void {
  const release = join(dir, 'releases', String(version));
  mkdirSync(release, { recursive: true });
  for (const part of readdirSync(dir))
    if (!NOT_RELEASED.includes(part)) cpSync(join(dir, part), join(release, part), { recursive: true });
  symlinkSync(release, join(dir, 'current.new'));
  renameSync(join(dir, 'current.new'), join(dir, 'current'));
}

export const BACKENDS: readonly Backend[] = [
  { example: 'node' },
  { example: 'node-port', nginx: ['plain'] },
  { example: 'node-workers', deploy: makeRelease },
  { example: 'express', prepare: npmPackages('express') },
  { example: 'fastify', prepare: npmPackages('fastify') },
  { example: 'express-redirect', prepare: npmPackages('express-redirect') },
  { example: 'fastify-redirect', prepare: npmPackages('fastify-redirect') },
  {
    example: 'next',
    nginx: ['keepalive'],
    prepare: (dir) => {
      npmPackages('next')(dir);
      const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' };
      execFileSync('npm', ['run', 'build'], { cwd: dir, env, stdio: ['ignore', 'ignore', 'pipe'] });
    },
  },
  { example: 'gunicorn', needs: ['gunicorn'], nginx: ['plain'] },
  { example: 'gunicorn-inherit', needs: ['gunicorn'], nginx: ['keepalive'] },
  { example: 'uvicorn', needs: ['uvicorn'] },
  { example: 'uvicorn-workers', needs: ['uvicorn'], nginx: ['keepalive'], deploy: makeRelease },
  { example: 'puma', needs: ['puma'] },
  { example: 'puma-inherit', needs: ['puma'], nginx: ['keepalive'] },
  {
    example: 'php-fpm',
    name: 'fastcgi',
    needs: ['php-fpm'],
    nginx: ['fastcgi'],
    prepare: (dir) => {
      // Debian's name has the version in it; the pool's user has to get into the directory.
      symlinkSync(need('php-fpm'), join(dir, 'bin/php-fpm'));
      chmodSync(dir, 0o755);
    },
    deploy: makeRelease,
  },
  {
    example: 'c',
    needs: ['gcc'],
    nginx: ['plain'],
    prepare: run('gcc', '-O2', '-pthread', '-o', 'server', 'server.c'),
  },
  { example: 'go', needs: ['go'], prepare: run('go', 'build', '-o', 'server', 'server.go') },
];
