// From what was found and answered to a file that is known to be right: it has been read back the way every command reads it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { findConfigFile } from '../../config/load.ts';
import { loadYaml } from '../../config/loaders.ts';
import { normalize } from '../../config/normalize.ts';
import type { Config } from '../../core/config.ts';
import { fail } from '../../core/failure.ts';
import { writeNew } from '../files.ts';
import { readCommandLine } from './command-line.ts';
import type { Draft, Settings } from './draft.ts';
import { toName } from './draft.ts';
import { draftOf } from './draft-of.ts';
import { phpHealth } from './from-frameworks.ts';
import { renderConfig } from './write-config.ts';

/** What was answered, or given as flags. Null: as it was found. */
export interface Answers {
  readonly command: string | null;
  readonly name: string | null;
  readonly healthPath: string | null;
  readonly stateDir: string | null;
}

export interface InitPlan {
  /** Absolute. */
  readonly path: string;
  readonly text: string;
  readonly draft: Draft;
  readonly config: Config;
  /** Absolute paths of the files that go with it. */
  readonly others: readonly { readonly path: string; readonly content: string }[];
}

export const draftOfCommand = async (text: string, dir: string): Promise<Draft> => {
  const { argv, env, needsShell } = await readCommandLine(text);
  return draftOf({
    kind: 'command',
    source: null,
    settings: { command: argv, name: toName(dir.split('/').at(-1) ?? ''), env },
    remarks: needsShell ? { command: 'The command needs a shell, and so it is given one.' } : {},
  });
};

/** @throws `config` if what would be written is wrong: nothing has been written then. */
export async function planConfig(found: Draft, answers: Answers, dir: string, path: string): Promise<InitPlan> {
  const draft = await answered(found, answers, dir, path);
  const text = renderConfig(draft);
  const config = await normalize(await loadYaml(path, text), { file: path, base: dirname(path), stateDir: null });
  const others = draft.files.map((file) => ({ path: join(dir, file.path), content: file.content }));
  return { path, text, draft, config, others };
}

async function answered(
  found: Draft,
  { command, name, healthPath, stateDir }: Answers,
  dir: string,
  path: string,
): Promise<Draft> {
  const typed = command === null ? null : await draftOfCommand(command, dir);
  const group = webGroup();
  const remarks = { ...found.remarks, ...(group?.isOurs === false ? { socketGroup: notAMember(group.name) } : {}) };
  const settings: Settings = {
    ...(group?.isOurs === true ? { socketGroup: group.name } : {}),
    ...found.settings,
    ...(typed === null ? {} : { command: typed.settings.command, ...both(found.settings.env, typed.settings.env) }),
    ...(name === null ? {} : { name }),
    ...(healthPath === null || healthPath === ''
      ? {}
      : { health: found.kind === 'php' ? phpHealth(healthPath, dir) : ({ type: 'http', path: healthPath } as const) }),
    ...(stateDir === null ? {} : { stateDir }),
  };
  return {
    ...found,
    settings: dirname(path) === dir ? settings : elsewhere(settings, dir),
    remarks,
    listening: typed?.listening ?? found.listening,
  };
}

const both = (env: Settings['env'], more: Settings['env']): Pick<Settings, 'env'> =>
  env === undefined && more === undefined ? {} : { env: { ...env, ...more } };

/** The file does not lie with the app, and paths in it are relative to the file. */
const elsewhere = (settings: Settings, dir: string): Settings => ({
  ...settings,
  cwd: resolve(dir, settings.cwd ?? '.'),
  stateDir: resolve(dir, settings.stateDir ?? 'var/run'),
  ...(typeof settings.envFile === 'string' ? { envFile: resolve(dir, settings.envFile) } : {}),
});

const notAMember = (group: string): string =>
  `This user is not in ${group}, so graceful could not give it the socket: \`usermod -aG ${group} USER\`, then set this.`;

/** nginx's group on this machine, and whether this user may give files to it. */
function webGroup(): { readonly name: string; readonly isOurs: boolean } | null {
  const lines = existsSync('/etc/group') ? readFileSync('/etc/group', 'utf8').split('\n') : [];
  for (const name of ['www-data', 'nginx', 'http']) {
    const gid = lines.find((line) => line.startsWith(`${name}:`))?.split(':')[2];
    if (gid === undefined) continue;
    const ours = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
    return { name, isOurs: process.geteuid?.() === 0 || ours.includes(Number(gid)) };
  }
  return null;
}

/** @throws `setup-failed` where a configuration is already, and `force` was not given or would not help. */
export async function refuseToReplace(path: string, force: boolean): Promise<void> {
  const standing = await findConfigFile({ cwd: dirname(path), env: {}, file: null }).catch(() => null);
  const shadows = standing !== null && standing !== path && dirname(standing) === dirname(path);
  if (shadows && path.endsWith('/graceful.config.yaml'))
    throw fail('setup-failed', `there is a configuration already: ${standing}`, {
      path: standing,
      output: [],
      hint: `it would be read instead of ${relative(dirname(path), path)}: move it away first, or name another file with -c`,
    });
  if (existsSync(path) && !force)
    throw fail('setup-failed', `there is a configuration already: ${path}`, {
      path,
      output: [],
      hint: '--force overwrites it, --print only shows what would be written',
    });
}

/** Writes the configuration, and those of its companions that are not there yet. Returns what was written. */
export function writePlan({ path, text, others }: InitPlan): readonly string[] {
  const missing = others.filter((other) => !existsSync(other.path));
  for (const other of missing) writeNew(other.path, other.content, 0o644);
  writeNew(path, text, 0o644);
  return [...missing.map((other) => other.path), path];
}
