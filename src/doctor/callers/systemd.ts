// Units of systemd that run us for this app.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, extname, join, resolve } from 'node:path';
import type { Config } from '../../core/config.ts';
import { ask } from '../run-program.ts';

export interface CallingUnit {
  /** Of a template, that of its instance for this app. */
  readonly name: string;
  /** `run` is a supervisor, which does what the others do. */
  readonly command: 'run' | 'keepalive' | 'stop';
  /** The directories that it makes: RuntimeDirectory= of systemd.exec(5). */
  readonly makes: readonly string[];
  /** Null where there is no systemd to ask. */
  readonly isActive: boolean | null;
}

export async function systemdUnits(config: Config): Promise<readonly CallingUnit[]> {
  const directories = [
    { path: '/etc/systemd/system', scope: ['--system'] },
    { path: join(homedir(), '.config/systemd/user'), scope: ['--user'] },
  ];
  const isBooted = existsSync('/run/systemd/system'); // sd_booted(3)
  const found = directories.flatMap(({ path, scope }) => unitsIn(path, config).map((unit) => ({ ...unit, scope })));
  return Promise.all(
    found.map(async ({ scope, ...unit }) => ({
      ...unit,
      isActive: isBooted ? (await ask('systemctl', [...scope, 'is-active', '--quiet', unit.name])).ok : null,
    })),
  );
}

/** Those of one directory, by what is written in them. Of a service and its timer, the timer: that is what has to run. */
export function unitsIn(directory: string, { file: config }: Config): readonly Omit<CallingUnit, 'isActive'>[] {
  if (config === null) return [];
  const files = filesIn(directory).filter((file) => /\.(?:service|timer)$/.test(file));
  return files.flatMap((file) => {
    if (files.includes(file.replace(/\.service$/, '.timer')) && file.endsWith('.service')) return [];
    const instance = file.includes('@.') ? basename(config, extname(config)) : '';
    const service = read(join(directory, file.replace(/\.timer$/, '.service')));
    // systemd.unit(5): %i is the instance, %% is %.
    const text = service.replaceAll('%i', instance).replaceAll('%%', '%');
    const start = /^ExecStart=.*\bgraceful\b.*?\s(run|keepalive|stop)\b.*$/m.exec(text);
    if (start === null || !isFor(config, start[0], text)) return [];
    return {
      name: file.replace('@.', `@${instance}.`),
      command: start[1] as CallingUnit['command'],
      makes: [...text.matchAll(/^RuntimeDirectory=(\S+)$/gm)].map(([, name = '']) => join('/run', name)),
    };
  });
}

/** By the configuration that it names, or by the directory that it begins in, where it names none. */
function isFor(config: string, start: string, text: string): boolean {
  const directory = /^WorkingDirectory=(.*)$/m.exec(text)?.[1] ?? '/';
  const words = [...start.slice('ExecStart='.length).matchAll(/"((?:[^"\\]|\\.)*)"|(\S+)/g)].map(
    ([, quoted, bare = '']) => (quoted?.replace(/\\(.)/g, '$1') ?? bare).replaceAll('$$', '$'),
  );
  const option = words.findIndex((word) => word === '-c' || word === '--config');
  const named =
    (option === -1 ? undefined : words[option + 1]) ??
    words.find((word) => word.startsWith('--config='))?.slice('--config='.length) ??
    /^Environment="?GRACEFUL_CONFIG=([^"\n]*)/m.exec(text)?.[1];
  return named === undefined ? directory === dirname(config) : resolve(directory, named) === config;
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
