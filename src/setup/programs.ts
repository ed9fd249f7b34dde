// The system's own programs that wiring is done and checked with.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { fail } from '../core/failure.ts';

export interface Ran {
  readonly exitCode: number;
  readonly stdout: string;
  /** stdout and stderr, as they came. */
  readonly lines: readonly string[];
}

/** nginx and logrotate are where an ordinary user's PATH does not lead. */
const SYSTEM = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

export const searchPath = (env: NodeJS.ProcessEnv): readonly string[] => [
  ...new Set([...(env['PATH'] ?? '').split(':').filter((directory) => directory.startsWith('/')), ...SYSTEM]),
];

export const findProgram = (name: string, env: NodeJS.ProcessEnv): string | null =>
  searchPath(env)
    .map((directory) => join(directory, name))
    .find((path) => existsSync(path)) ?? null;

export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  /** Its stdout to the last byte, the newline at its end too. */
  readonly raw?: boolean;
}

/** Runs it to its end. @throws `setup-failed` if there is no such program. */
export async function runTool(
  name: string,
  args: readonly string[],
  { env, cwd = '/', input = '', raw = false }: RunOptions,
): Promise<Ran> {
  const program = findProgram(name, env);
  if (program === null)
    throw fail('setup-failed', `${name} is not installed`, {
      path: null,
      output: [],
      hint: `install it (Debian: ${PACKAGES[name] ?? name}), or leave out --write to see the text`,
    });
  const ran = await execa(program, args, {
    cwd,
    env: { ...env, PATH: searchPath(env).join(':'), LC_ALL: 'C' },
    extendEnv: false,
    input,
    all: true,
    reject: false,
    stripFinalNewline: !raw,
  });
  return { exitCode: ran.exitCode ?? 1, stdout: ran.stdout, lines: ran.all === '' ? [] : ran.all.split('\n') };
}

const PACKAGES: Readonly<Record<string, string>> = {
  crontab: 'cron',
  'systemd-analyze': 'systemd',
  systemctl: 'systemd',
};
