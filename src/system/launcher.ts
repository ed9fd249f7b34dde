// How a backend comes into the world: as the leader of a session of its own, and never without its identity on disk.
import { randomUUID } from 'node:crypto';
import { accessSync, constants as modes, statSync } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { delimiter, isAbsolute, join } from 'node:path';
import { execa } from 'execa';
import { backendEnvironment } from '../config/environment.ts';
import { replacePlaceholders } from '../config/placeholders.ts';
import type { Config } from '../core/config.ts';
import { fail } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import { type Announcements, checkAnnouncements, openAnnouncements } from './announcements.ts';
import { isErrno } from './atomic-file.ts';
import { type BackendRecord, identifyDirectory, removeRecord, writePid, writeRecord } from './backend-record.ts';
import { groupId } from './group-id.ts';
import { logSize } from './log-file.ts';
import { identify, pidNamespace } from './processes/identity.ts';
import { spawning } from './processes/spawn.ts';
import { redirection } from './redirection.ts';
import { releaseOf } from './release.ts';
import { listenAt } from './slot-socket.ts';
import { applySocketRights } from './socket-file.ts';
import { GO_FD, startScript } from './start-script.ts';
import type { StatePaths } from './state-paths.ts';

/** How a process ended. */
export interface Exit {
  readonly exitCode: number | null;
  readonly signal: string | null;
}

export interface LaunchedBackend {
  readonly record: BackendRecord;
  /** Where in the log file its output begins. */
  readonly logStart: number;
  /** Resolves when the leader has exited. */
  readonly exited: Promise<Exit>;
  /** Tells of each worker that has exited and is being replaced; returns how to stop listening. */
  readonly workerExits: WorkerExits;
  /** What it says of itself; whoever waits for it has to dispose of it. */
  readonly announcements: Announcements;
}

export interface WorkerExit extends Exit {
  readonly index: number;
}

export type WorkerExits = (listener: (exit: WorkerExit) => void) => () => void;

/** What will be executed, where, and with which environment. */
interface Plan {
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
  if (config.socketGroup !== null) await groupId(config.socketGroup);
}

export async function planFor(config: Config, paths: StatePaths, slot: Slot, directory: string | null): Promise<Plan> {
  const values = { socket: paths.slots[slot].socket, slot, name: config.name, stateDir: config.stateDir };
  const cwd = await resolveCwd(directory ?? config.cwd, slot);
  const env = await backendEnvironment(config, values, process.env);
  const argv = config.command.map((argument) => replacePlaceholders(argument, values));
  assertExecutable(argv[0] ?? '', cwd, env, slot);
  return { cwd, env, argv };
}

/** Starts the backend of a slot, in `directory` or else in the configured one, with the code, the environment and the release that are on disk now. */
export async function launch(
  config: Config,
  paths: StatePaths,
  slot: Slot,
  directory: string | null,
): Promise<LaunchedBackend> {
  const own = paths.slots[slot];
  const plan = await planFor(config, paths, slot, directory);
  const { cwd, argv } = plan;
  const instance = randomUUID();
  // One process alone binds the path: descriptors do not come through npm.
  const inherits = config.listen === 'inherit' || (config.listen === 'redirect' && config.workers > 1);
  using announcements = await openAnnouncements(config, own, instance);
  const env = {
    ...plan.env,
    ...announcements.env,
    GRACEFUL_INSTANCE: instance,
    ...(inherits ? { LISTEN_FDS: '1', LISTEN_FDNAMES: config.name } : {}),
    ...(config.listen === 'redirect' ? redirection(plan.env['NODE_OPTIONS']) : {}),
  };
  const [release, logStart] = await Promise.all([releaseOf(config.cwd, cwd), logSize(own.log)]);

  await using log = await open(own.log, 'a', 0o640);
  // Any descriptor is passed on as it is; the types name only these.
  const logFd = log.fd as 3 | 4 | 5 | 6 | 7 | 8 | 9;
  const script = startScript(throughShell(argv, env), { inherits, workers: config.workers });
  const { child } = await spawning(() => {
    // From here to its release nothing is awaited: a socket of ours would accept what is the backend's.
    const socket = inherits ? listenAt(own.socket, config) : null;
    using _released = { [Symbol.dispose]: () => socket?.release() };
    return execa('/bin/sh', script, {
      cwd,
      env,
      extendEnv: false,
      // setsid(2): a signal to our terminal, our cron job or our ssh session is not one to the backend.
      detached: true,
      cleanup: false,
      stdio: ['ignore', logFd, logFd, ...(socket === null ? [] : [socket.fd as 3]), 'pipe', ...announcements.stdio],
      serialization: 'json',
      buffer: false,
      reject: false,
    });
  });
  if (inherits) await applySocketRights(own.socket, config);
  child.unref();
  announcements.attach(child);
  // Not execa's own end, which waits until the keepers of a killed leader have closed its pipe.
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (identity === null) {
    child.ref();
    const { cause } = (await child) as { readonly cause?: unknown };
    if (cause instanceof Error && !isErrno(cause, 'ENOENT', 'EACCES')) throw cause; // EAGAIN, ENOMEM: not the program's fault
    const reason = cause instanceof Error ? cause.message : 'it exited at once';
    throw fail('not-executable', `slot ${slot}: /bin/sh could not be started: ${reason}`, {
      slot,
      command: '/bin/sh',
      reason,
    });
  }
  const record: BackendRecord = {
    ...identity,
    slot,
    instance,
    pidNamespace: pidNamespace(),
    startedAt: new Date().toISOString(),
    readyAt: null,
    stoppingAt: null,
    command: argv,
    cwd,
    release,
    stateDir: identifyDirectory(paths.dir),
  };
  const pipe = child.stdio[inherits ? GO_FD.inherit : GO_FD.path] as Socket;
  // EPIPE: the shell was killed in the meantime, which its exit tells.
  pipe.on('error', () => undefined);
  try {
    writeRecord(own, record);
    writePid(own, identity.pid);
  } catch (error) {
    // ENOSPC: the shell reads the end of the pipe and exits, and nothing has been started.
    pipe.destroy();
    child.ref(); // while nothing else keeps this process, it would end here
    await exited;
    removeRecord(own);
    throw error;
  }
  if (config.workers === 1) pipe.end('go\n');
  else pipe.write('go\n');
  // The keepers go on telling; that is no reason for a command not to end.
  pipe.unref();
  return { record, logStart, exited, workerExits: workerExitsOf(pipe), announcements: announcements.retain() };
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

/** dash drops variables whose names are no shell identifiers (`spring.port`); env(1) sets them again. */
function throughShell(argv: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const odd = Object.entries(env).filter(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return odd.length === 0 ? argv : ['/usr/bin/env', ...odd.map(([name, value]) => `${name}=${value}`), ...argv];
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
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 'no such file';
  if (!stat.isFile()) return `${path} is not a file`;
  try {
    accessSync(path, modes.X_OK);
    return null;
  } catch {
    return `${path} is not executable (mode ${(stat.mode & 0o777).toString(8).padStart(4, '0')}; chmod +x it)`; // EACCES
  }
}

/** A keeper's lines: `INDEX CODE`, where a shell's code over 128 is a signal. */
function workerExitsOf(pipe: Socket): WorkerExits {
  const listeners = new Set<(exit: WorkerExit) => void>();
  let rest = '';
  pipe.setEncoding('latin1').on('data', (chunk: string) => {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [index = 0, code = 0] = line.split(' ').map(Number);
      const signal = signalNamed(code - 128);
      for (const listener of listeners) listener({ index, exitCode: signal === null ? code : null, signal });
    }
  });
  return (listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  };
}

const signalNamed = (number: number): string | null =>
  Object.entries(constants.signals).find(([, value]) => value === number)?.[0] ?? null;
