// What a backend will be: its program, its directory and its environment as they are now, and whether they can be had.
import { accessSync, constants as modes, type Stats, statSync } from 'node:fs';
import { realpath } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { backendEnvironment } from '../config/environment.ts';
import { replacePlaceholders } from '../config/placeholders.ts';
import type { Config } from '../core/config.ts';
import { fail } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import { checkAnnouncements } from './announcements.ts';
import { readRecord } from './backend-record.ts';
import { openLink } from './link.ts';
import { checkSocketGroup } from './socket-rights.ts';
import type { StatePaths } from './state-paths.ts';

/** What will be executed, where, and with which environment. */
export interface LaunchPlan {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly argv: readonly string[];
}

/**
 * Finds out, before anything is stopped for it, whether the slot's backend can be started.
 * @throws `not-executable`, `config`
 */
export async function preflight(
  config: Config,
  paths: StatePaths,
  slot: Slot,
  directory: string | null,
): Promise<void> {
  await planFor(config, paths, slot, directory);
  await checkAnnouncements(config);
  await checkSocketGroup(config, socketThatServes(paths));
}

/** Null where the link leads to no backend that lives: a group that nobody is served by need not be kept. */
function socketThatServes(paths: StatePaths): string | null {
  const { slot } = openLink(paths).read();
  if (slot === null || readRecord(paths.slots[slot], slot, paths.dir).kind !== 'alive') return null;
  return paths.slots[slot].socket;
}

export async function planFor(
  config: Config,
  paths: StatePaths,
  slot: Slot,
  directory: string | null,
): Promise<LaunchPlan> {
  const values = { socket: paths.slots[slot].socket, slot, name: config.name, stateDir: config.stateDir };
  const cwd = await resolveCwd(directory ?? config.cwd, slot);
  const env = await backendEnvironment(config, values, process.env);
  const argv = config.command.map((argument) => replacePlaceholders(argument, values));
  assertExecutable(argv[0] ?? '', cwd, env, slot);
  return { cwd, env, argv };
}

/** The working directory as it is now, symlinks resolved. @throws `not-executable` when there is none. */
export async function resolveCwd(directory: string, slot: Slot): Promise<string> {
  try {
    return await realpath(directory);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw fail(
      'not-executable',
      `slot ${slot}: cwd ${directory} cannot be entered: ${reason}`,
      { slot, command: directory, reason },
      error,
    );
  }
}

/** The same search as execvp(3), beforehand: "exit code 127" would not say what is wrong. */
function assertExecutable(command: string, cwd: string, env: Readonly<Record<string, string>>, slot: Slot): void {
  const candidates = command.includes('/')
    ? [isAbsolute(command) ? command : join(cwd, command)]
    : (env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin')
        .split(delimiter)
        .map((directory) => join(directory === '' ? cwd : directory, command));
  const findings = candidates.map(whyNotExecutable);
  if (findings.includes(null)) return;
  const reason =
    findings.find((finding) => finding !== 'no such file') ??
    (command.includes('/') ? 'no such file' : `not found in PATH (${env['PATH'] ?? 'unset'})`);
  throw fail('not-executable', `slot ${slot}: ${command} cannot be executed: ${reason}`, { slot, command, reason });
}

function whyNotExecutable(path: string): string | null {
  let stat: Stats | undefined;
  try {
    stat = statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    // EACCES, ELOOP: root's own directories stay in PATH under `sudo -u`. The search goes on in the others.
    return error instanceof Error ? error.message : String(error);
  }
  if (stat === undefined) return 'no such file';
  if (!stat.isFile()) return `${path} is not a file`;
  try {
    accessSync(path, modes.X_OK);
    return null;
  } catch {
    return `${path} is not executable (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}; chmod +x it)`; // EACCES
  }
}
