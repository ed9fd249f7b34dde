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

export interface Requirements<Name extends string> {
  /** The absolute path of a program. Raises an error if it is not installed: ask `skipUnless` first. */
  need(name: Name): string;
  /**
   * For the `skip` option of a test: false if all of these are installed, else the reason for skipping.
   * In CI (`CI=true`) nothing may be skipped: there it raises an error.
   */
  skipUnless(...names: readonly Name[]): false | string;
}

/** What a list of the form of requirements.json asks for. */
export function requirementsIn<Name extends string>(file: string): Requirements<Name> {
  const table: Readonly<Record<Name, { readonly program: string }>> = JSON.parse(readFileSync(file, 'utf8'));
  const find = (name: Name): string | null => findProgram(new RegExp(table[name].program));
  return {
    need(name) {
      const path = find(name);
      if (path === null) throw new Error(`${name} is not installed`);
      return path;
    },
    skipUnless(...names) {
      const missing = names.filter((name) => find(name) === null);
      if (missing.length === 0) return false;
      const reason = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not installed`;
      if (process.env['CI'] === 'true') throw new Error(`${reason}, and in CI no test may be skipped`);
      return reason;
    },
  };
}

/** The system's own first: wrappers that a PATH may start with take their time. The sbin ones are not in every user's PATH. */
const DIRECTORIES = ['/usr/bin', '/usr/sbin', '/bin', '/sbin', '/usr/local/bin', '/usr/local/sbin'];

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

export const { need, skipUnless } = requirementsIn<Requirement>(inRepo('test/rig/requirements.json'));
