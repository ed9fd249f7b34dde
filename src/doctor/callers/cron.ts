// Lines of cron that call us for this app: the user's own crontab, /etc/crontab and /etc/cron.d, as crontab(5) has them.
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Config } from '../../core/config.ts';
import { listProcesses } from '../../system/processes/stat.ts';
import { appUser } from '../app-user.ts';
import { ask } from '../run-program.ts';

export interface CronLine {
  readonly place: string;
  readonly command: 'keepalive' | 'stop';
}

export async function cronLines(config: Config): Promise<readonly CronLine[]> {
  const { name, isSelf } = await appUser(config);
  const own = await ask('crontab', isSelf ? ['-l'] : ['-l', '-u', name]);
  const whose = isSelf ? "this user's crontab" : `the crontab of ${name}`;
  const files = ['/etc/crontab', ...list('/etc/cron.d')].map((file) => [file, read(file)] as const);
  return [[whose, own.ok ? own.stdout : ''] as const, ...files].flatMap(([place, text]) =>
    text.split('\n').flatMap((line) => {
      const command = commandIn(line, config);
      return command === null ? [] : [{ place, command }];
    }),
  );
}

/** A line is ours when it calls graceful for this configuration, by the file's path or from its directory. */
export function commandIn(
  written: string,
  { file, stateDir }: Pick<Config, 'file' | 'stateDir'>,
): CronLine['command'] | null {
  const line = written.replaceAll('\\%', '%');
  if (/^\s*#/.test(line) || !/\bgraceful\b/.test(line)) return null;
  if (!(file !== null && (names(line, file) || isIn(line, file))) && !names(line, stateDir)) return null;
  if (/\bkeepalive\b/.test(line)) return 'keepalive';
  return /\bstop\b.*--inactive\b/.test(line) ? 'stop' : null;
}

/** The path itself, not one that begins with it: /srv/shop is not /srv/shop-staging, nor what is inside of it. */
const names = (line: string, path: string): boolean =>
  new RegExp(`(?<![\\w./-])${escaped(path)}/?(?![\\w./-])`).test(line);

/** Called in the directory of the file, without another one being named. */
function isIn(line: string, file: string): boolean {
  const named = /\s(?:-c|--config)[\s=]+["']?([^\s"']+)|\bGRACEFUL_CONFIG=["']?([^\s"']+)/.exec(line);
  return names(line, dirname(file)) && (named === null || (named[1] ?? named[2]) === basename(file));
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

/** Debian's cron, cronie's and dcron's crond, and busybox's. */
export const isCronRunning = (): boolean =>
  listProcesses().some(({ pid }) => ['cron', 'crond', 'fcron', 'anacron'].includes(read(`/proc/${pid}/comm`).trim()));

function list(directory: string): readonly string[] {
  try {
    // run-parts' names: cron ignores the others.
    return readdirSync(directory)
      .filter((file) => /^[\w-]+$/.test(file))
      .map((file) => join(directory, file));
  } catch {
    return []; // no cron here
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not there, or not for us to read
  }
}
