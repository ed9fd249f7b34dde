// Units of systemd that run us for this app.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Config } from '../../core/config.ts';
import { ask } from '../run-program.ts';

export interface CallingUnit {
  readonly name: string;
  /** Null where there is no systemd to ask. */
  readonly isActive: boolean | null;
}

export async function systemdUnits(config: Config): Promise<readonly CallingUnit[]> {
  const directories = [
    { path: '/etc/systemd/system', scope: ['--system'] },
    { path: join(homedir(), '.config/systemd/user'), scope: ['--user'] },
  ];
  const found = directories.flatMap(({ path, scope }) =>
    filesIn(path)
      .filter((file) => /\.(?:service|timer)$/.test(file) && calls(path, file, config))
      .map((name) => ({ name, scope })),
  );
  const isBooted = existsSync('/run/systemd/system'); // sd_booted(3)
  return Promise.all(
    found
      // Of a service and its timer, the timer is what has to run.
      .filter(
        ({ name }) =>
          !found.some((other) => other.name === name.replace(/\.service$/, '.timer') && other.name !== name),
      )
      .map(async ({ name, scope }) => ({
        name,
        isActive: isBooted ? (await ask('systemctl', [...scope, 'is-active', '--quiet', name])).ok : null,
      })),
  );
}

/** By the configuration's path, or by its directory, of which the templates' instances take the name. */
function calls(directory: string, file: string, { file: config }: Config): boolean {
  if (config === null) return false;
  const text = read(join(directory, file.endsWith('.timer') ? file.replace(/\.timer$/, '.service') : file));
  if (!/\bgraceful\b/.test(text)) return false;
  return (
    text.includes(config) || file.startsWith(`graceful@${basename(dirname(config))}.`) || text.includes(dirname(config))
  );
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // no such user, no systemd
  }
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
