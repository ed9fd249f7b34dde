// The real programs that tests run: where they are, and what a test says that has to go without.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRepo } from './paths.ts';

/** The names in requirements.json. */
export type Requirement =
  | 'nginx'
  | 'wrk'
  | 'php-fpm'
  | 'python3'
  | 'tini'
  | 'logrotate'
  | 'systemd'
  | 'strace'
  | 'cron'
  | 'gunicorn'
  | 'git'
  | 'ss'
  | 'unshare'
  | 'setpriv'
  | 'faketime'
  | 'spin'
  | 'gcc'
  | 'zsh'
  | 'fish'
  | 'man';

/** The absolute path of a program. Raises an error if it is not installed: ask {@link skipUnless} first. */
export const need = (name: Requirement): string => {
  const path = find(name);
  if (path === null) throw new Error(`${name} is not installed`);
  return path;
};

/**
 * For the `skip` option of a test: false if all of these are installed, else the reason for skipping.
 * In CI (`CI=true`) nothing may be skipped: there it raises an error.
 */
export const skipUnless = (...names: readonly Requirement[]): false | string => {
  const missing = names.filter((name) => find(name) === null);
  if (missing.length === 0) return false;
  const reason = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not installed`;
  if (process.env['CI'] === 'true') throw new Error(`${reason}, and in CI no test may be skipped`);
  return reason;
};

const TABLE: Readonly<Record<Requirement, { readonly program: string }>> = JSON.parse(
  readFileSync(inRepo('test/rig/requirements.json'), 'utf8'),
);

/** The system's own first: wrappers that a PATH may start with take their time. The sbin ones are not in every user's PATH. */
const DIRECTORIES = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin', '/usr/local/sbin'];

const find = (name: Requirement): string | null => findProgram(new RegExp(TABLE[name].program));

/** The absolute path of the first program whose name matches, null where there is none. */
export const findProgram = (pattern: RegExp): string | null => {
  for (const directory of [...DIRECTORIES, ...(process.env['PATH'] ?? '').split(':')]) {
    const program = entries(directory).find((entry) => pattern.test(entry));
    if (program !== undefined) return join(directory, program);
  }
  return null;
};

const entries = (directory: string): readonly string[] => {
  try {
    return readdirSync(directory);
  } catch {
    // ENOENT, EACCES: PATH may name directories that are not there.
    return [];
  }
};
