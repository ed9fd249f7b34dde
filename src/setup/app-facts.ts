// What a file of the system's has to know about the app, every path in full: it is read where there is neither our working
// directory nor our PATH.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { Config } from '../core/config.ts';
import { statePaths } from '../system/state-paths.ts';
import { searchPath } from './programs.ts';

export interface AppFacts {
  readonly config: Config;
  readonly configFile: string;
  readonly name: string;
  /** What nginx connects to. */
  readonly link: string;
  /** argv of graceful for this app: node, script, -c FILE, and --state-dir where that was given. */
  readonly graceful: readonly string[];
  /** A PATH that leads to node, graceful and what the configuration runs. */
  readonly path: string;
  /** Programs of the configuration that are in no directory of our PATH. */
  readonly missing: readonly string[];
  /** Whom the state dir belongs to, or will. */
  readonly user: string;
  readonly group: string;
  readonly env: NodeJS.ProcessEnv;
}

export interface Origin {
  /** Absolute. */
  readonly node: string;
  readonly script: string;
  readonly env: NodeJS.ProcessEnv;
  /** Not from the file: what was given on the command line or in the environment. */
  readonly stateDirGiven: boolean;
}

export function factsOf(config: Config, configFile: string, { node, script, env, stateDirGiven }: Origin): AppFacts {
  const owner = ownerOf(config, configFile, env);
  const { directories, missing } = programsOf(config, env);
  return {
    config,
    configFile,
    name: config.name,
    link: statePaths(config.stateDir, config.name).link,
    graceful: [node, script, '-c', configFile, ...(stateDirGiven ? ['--state-dir', config.stateDir] : [])],
    path: inOrder([dirname(node), ...directories, ...COMMON], env).join(':'),
    missing,
    ...owner,
    env,
  };
}

/** As they stand in our own PATH: what comes first there comes first here. */
const inOrder = (directories: readonly string[], env: NodeJS.ProcessEnv): readonly string[] => {
  const order = searchPath(env);
  return [...new Set(directories)].sort((one, other) => order.indexOf(one) - order.indexOf(other));
};

const COMMON = ['/usr/local/bin', '/usr/bin', '/bin'];

/**
 * Where there is no state dir yet: whoever runs this makes it. Root makes it for the one whose directory it is in, whose the
 * configuration is, or who became root by sudo: an app that runs as root is nobody's wish.
 */
function ownerOf({ stateDir, socketGroup }: Config, configFile: string, env: NodeJS.ProcessEnv): Owner {
  if (existsSync(stateDir)) {
    const { uid, gid } = statSync(stateDir);
    return { user: nameIn('/etc/passwd', uid), group: nameIn('/etc/group', gid) };
  }
  const self = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
  const sudo = { uid: Number(env['SUDO_UID'] ?? 0), gid: Number(env['SUDO_GID'] ?? 0) };
  const candidates = [statSync(nearest(stateDir)), statSync(nearest(configFile)), sudo];
  const { uid, gid } = self.uid === 0 ? (candidates.find((candidate) => candidate.uid > 0) ?? self) : self;
  return { user: nameIn('/etc/passwd', uid), group: socketGroup ?? nameIn('/etc/group', gid) };
}

interface Owner {
  readonly user: string;
  readonly group: string;
}

/** What has to be said before the app's programs run as root. */
export const asRoot = ({ user }: AppFacts, remedy: string): readonly string[] =>
  user === 'root' ? [`The app runs as root then: ${remedy}`] : [];

/** The first of the directory and those above it that is there. */
const nearest = (path: string): string => (existsSync(path) ? path : nearest(dirname(path)));

interface Programs {
  /** Where they are found now. */
  readonly directories: readonly string[];
  /** What is in no directory of PATH. */
  readonly missing: readonly string[];
}

/** Those of the configuration that are looked for in PATH. */
function programsOf({ command, health, hooks, release, cwd }: Config, env: NodeJS.ProcessEnv): Programs {
  const checks = health.checks.map((check) => (check.type === 'exec' ? check.command : null));
  const commands = [command, ...checks, ...Object.values(hooks), release?.prepare ?? null];
  const names = new Set(commands.map((argv) => argv?.[0] ?? '').filter((name) => name !== '' && !name.includes('/')));
  const searched = (env['PATH'] ?? '').split(':').filter((directory) => directory !== '');
  const found = new Map(
    [...names].map((name) => [name, searched.find((directory) => existsSync(join(directory, name)))] as const),
  );
  return {
    directories: [...found.values()].flatMap((at) =>
      at === undefined ? [] : [isAbsolute(at) ? at : resolve(cwd, at)],
    ),
    missing: [...names].filter((name) => found.get(name) === undefined),
  };
}

/** What cron or systemd would not find: the shell of whoever set it up may have had another PATH (sudo, rbenv, nvm). */
export const notFound = ({ missing }: AppFacts): readonly string[] =>
  missing.map(
    (name) => `${name} is in no directory of PATH here: give its full path in the configuration, or it will not start.`,
  );

/** A number stays one where the file does not know it: so do chown(1) and crontab(1). */
function nameIn(file: string, id: number): string {
  const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
  return lines.find((line) => line.split(':')[2] === String(id))?.split(':')[0] ?? String(id);
}

/** The value of --older-than for whoever calls `stop --inactive`. */
export const olderThan = ({ config }: AppFacts): string => {
  const seconds = Math.ceil(config.schedule.stopInactiveOlderThanMs / 1000);
  return seconds % 60 === 0 ? `${seconds / 60}m` : `${seconds}s`;
};

/** For a POSIX shell. */
export const shellQuote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
