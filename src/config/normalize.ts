// What a file says, checked and completed. Nothing is created here, and nothing is read but the symlinks of stateDir.
import { resolve } from 'node:path';
import { safeParse } from 'valibot';
import type { Config } from '../core/config.ts';
import type { ConfigProblem } from '../core/failure.ts';
import { toHealthChecks } from './health-checks.ts';
import { configFailure, toProblems } from './problems.ts';
import { realPathOfExisting } from './real-path.ts';
import { type FileOutput, fileSchema } from './schema.ts';
import { socketPathProblem } from './socket-path.ts';
import { splitCommand } from './split-command.ts';

/** Where the content comes from. */
export interface Origin {
  /** Null for a configuration that came from no file. */
  readonly file: string | null;
  /** What relative paths are relative to: the directory of the file. */
  readonly base: string;
  /** Absolute; stronger than what the file says. */
  readonly stateDir: string | null;
}

/** The configuration that a file's content stands for. Fails with `config`, with all its problems at once. */
export async function normalize(content: unknown, { file, base, stateDir }: Origin): Promise<Config> {
  const { success, output, issues = [] } = safeParse(fileSchema, content);
  const problems = await toProblems(issues);
  // These look at the content and not at the output, of which there is none if any key is wrong.
  const commands = await splitCommands(content, problems);
  const directory = locateStateDir(content, stateDir, base, problems);
  if (success) problems.push(...contradictions(output));
  if (!success || problems.length > 0) throw configFailure(file, problems);
  return build(output, { file, base, stateDir: directory, commands });
}

/** Keys that are right by themselves, and not together. */
function contradictions({ listen, workers, health }: FileOutput): readonly ConfigProblem[] {
  if (workers === 1) return [];
  if ([health].flat().some(({ type }) => type === 'ipc'))
    return [
      {
        key: 'workers',
        found: `${workers} with health: ipc`,
        expected: '1, or health: notify: the channel of a Node app is not shared',
      },
    ];
  if (listen !== 'path') return [];
  return [
    {
      key: 'workers',
      found: `${workers} with listen: ${listen}`,
      expected: '1, or listen: inherit (or redirect), so that they can share the socket',
    },
  ];
}

const COMMAND_KEYS = [
  'command',
  'hooks.beforeStart',
  'hooks.afterSwitch',
  'hooks.afterFailure',
  'release.prepare',
] as const;

type Commands = ReadonlyMap<string, readonly string[]>;

/** argv of every command that is written as one string, by its key. */
async function splitCommands(content: unknown, problems: ConfigProblem[]): Promise<Commands> {
  const commands = new Map<string, readonly string[]>();
  const health = valueAt(content, 'health');
  const ofHealth = Array.isArray(health) ? health.map((_, index) => `health.${index}.command`) : ['health.command'];
  for (const key of [...COMMAND_KEYS, ...ofHealth]) {
    const value = valueAt(content, key);
    // The schema has said already what is wrong with an empty one.
    if (typeof value !== 'string' || value === '') continue;
    const split = await splitCommand(value);
    if ('argv' in split) commands.set(key, split.argv);
    else problems.push({ key, ...split });
  }
  return commands;
}

/** Absolute, symlinks resolved. What is wrong with it is added to the problems. */
function locateStateDir(content: unknown, override: string | null, base: string, problems: ConfigProblem[]): string {
  const written = valueAt(content, 'stateDir') ?? 'var/run';
  const path = override ?? resolve(base, typeof written === 'string' ? written : '.');
  if (problems.some(({ key }) => key === 'name' || (override === null && key === 'stateDir'))) return path;
  try {
    const stateDir = realPathOfExisting(path);
    const problem = socketPathProblem(stateDir, String(valueAt(content, 'name') ?? 'app'));
    if (problem !== null) problems.push(problem);
    return stateDir;
  } catch (error) {
    // ENOTDIR, EACCES or ELOOP on the way there.
    const { code = 'an error' } = error as NodeJS.ErrnoException;
    problems.push({
      key: 'stateDir',
      found: `${path} (${code})`,
      expected: 'a path through directories that this user may search',
    });
    return path;
  }
}

const valueAt = (content: unknown, key: string): unknown =>
  key
    .split('.')
    .reduce<unknown>((value, part) => (value as Record<string, unknown> | null | undefined)?.[part], content);

interface Resolved {
  readonly file: string | null;
  readonly base: string;
  readonly stateDir: string;
  readonly commands: Commands;
}

function build(output: FileOutput, { file, base, stateDir, commands }: Resolved): Config {
  const { schedule, hooks } = output;
  const argv = (key: string, command: string | readonly string[]): readonly string[] =>
    typeof command === 'string' ? (commands.get(key) ?? [command]) : command;
  const hook = (name: keyof Config['hooks']): readonly string[] | null => {
    const command = hooks[name];
    return command === undefined ? null : argv(`hooks.${name}`, command);
  };
  return {
    file,
    name: output.name,
    command: argv('command', output.command),
    stateDir,
    cwd: resolve(base, output.cwd),
    env: Object.fromEntries(
      Object.entries(output.env).map(([key, value]) => [key, value === null ? null : String(value)]),
    ),
    envFile: [output.envFile].flat().map((path) => resolve(base, path)),
    listen: output.listen,
    workers: output.workers,
    socketMode: output.socketMode,
    socketGroup: output.socketGroup ?? null,
    health: toHealthChecks(output.health, argv),
    startTimeoutMs: output.startTimeout,
    drainTimeoutMs: output.drainTimeout,
    stopSignal: output.stopSignal,
    stopTimeoutMs: output.stopTimeout,
    schedule: {
      keepalive: schedule.keepalive || null,
      stopInactive: schedule.stopInactive || null,
      stopInactiveOlderThanMs: schedule.stopInactiveOlderThan,
      timeZone: schedule.timeZone ?? null,
    },
    log: output.log,
    release: toReleases(output.release, base, (command) => argv('release.prepare', command)),
    hooks: { beforeStart: hook('beforeStart'), afterSwitch: hook('afterSwitch'), afterFailure: hook('afterFailure') },
    hookTimeoutMs: hooks.timeout ?? output.startTimeout,
  };
}

type Argv = (command: string | readonly string[]) => readonly string[];

function toReleases(release: FileOutput['release'], base: string, argv: Argv): Config['release'] {
  if (release === undefined) return null;
  const { dir, keep, prepare, timeout } =
    release === 'git' ? { dir: 'releases', keep: 5, prepare: undefined, timeout: 600_000 } : release;
  return {
    dir: resolve(base, dir),
    keep,
    prepare: prepare === undefined ? null : argv(prepare),
    timeoutMs: timeout,
  };
}
