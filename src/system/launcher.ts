// How a backend comes into the world: as the leader of a session of its own, and never without its identity on disk.
import { randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { constants } from 'node:os';
import { execa } from 'execa';
import type { Config } from '../core/config.ts';
import { fail } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import { type Announcements, openAnnouncements } from './announcements.ts';
import { isErrno } from './atomic-file.ts';
import { type BackendRecord, identifyDirectory, removeRecord, writePid, writeRecord } from './backend-record.ts';
import { planFor } from './launch-plan.ts';
import { servingSocket } from './link.ts';
import { logSize } from './log-file.ts';
import { identify, pidNamespace } from './processes/identity.ts';
import { spawning } from './processes/spawn.ts';
import { redirection } from './redirection.ts';
import { releaseOf } from './release.ts';
import { listenAt, type SlotSocket } from './slot-socket.ts';
import { clearSocketFile } from './socket-file.ts';
import { applySocketRights } from './socket-rights.ts';
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
  let lost: unknown = null;
  const goFd = inherits ? GO_FD.inherit : GO_FD.path;
  const { child } = await spawning(() => {
    // From here to its release nothing is awaited: a socket of ours would accept what is the backend's.
    const socket = inherits ? listenAt(own.socket, config) : null;
    using _released = {
      [Symbol.dispose]() {
        lost = released(socket);
      },
    };
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
  // Not execa's own end, which waits until the keepers of a killed leader have closed its pipe.
  const exited = new Promise<Exit>((resolve) => {
    child.once('exit', (exitCode, signal) => resolve({ exitCode, signal }));
  });
  const pipe = child.stdio[goFd] as Socket;
  // EPIPE: the shell was killed in the meantime, which its exit tells.
  pipe.on('error', () => undefined);
  let record: BackendRecord;
  try {
    if (lost !== null) throw lost;
    if (inherits) await applySocketRights(own.socket, config, servingSocket(paths));
    announcements.attach(child);
    const identity = child.pid === undefined ? null : identify(child.pid);
    if (identity === null) throw await whyNoShell(slot, pipe, child);
    record = {
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
    writeRecord(own, record);
    writePid(own, identity.pid);
  } catch (error) {
    // EPERM, EMFILE, ENOSPC: the shell reads the end of the pipe and exits, and nothing has been started.
    pipe.destroy();
    if (child.pid !== undefined) await exited;
    if (inherits) await clearSocketFile(slot, own.socket).catch(() => undefined); // what failed first is what has to be told
    removeRecord(own);
    throw error;
  }
  child.unref();
  if (config.workers === 1) pipe.end('go\n');
  else pipe.write('go\n');
  // The keepers go on telling; that is no reason for a command not to end.
  pipe.unref();
  return { record, logStart, exited, workerExits: workerExitsOf(pipe), announcements: announcements.retain() };
}

/** Lets go of a socket. What stands in the way is given back: by then the shell is there, and has to be told not to begin. */
function released(socket: SlotSocket | null): unknown {
  try {
    socket?.release();
    return null;
  } catch (error) {
    return error;
  }
}

/** The shell was not started, or has gone before it was known. */
async function whyNoShell(slot: Slot, pipe: Socket, child: PromiseLike<object>): Promise<unknown> {
  pipe.destroy();
  const { cause } = (await child) as { readonly cause?: unknown };
  if (cause instanceof Error && !isErrno(cause, 'ENOENT', 'EACCES')) return cause; // EAGAIN, ENOMEM: not the program's fault
  const reason = cause instanceof Error ? cause.message : 'it exited at once';
  return fail('not-executable', `slot ${slot}: /bin/sh could not be started: ${reason}`, {
    slot,
    command: '/bin/sh',
    reason,
  });
}

/** dash drops variables whose names are no shell identifiers (`spring.port`); env(1) sets them again. */
function throughShell(argv: readonly string[], env: Readonly<Record<string, string>>): readonly string[] {
  const odd = Object.entries(env).filter(([name]) => !/^[A-Za-z_][A-Za-z0-9_]*$/.test(name));
  return odd.length === 0 ? argv : ['/usr/bin/env', ...odd.map(([name, value]) => `${name}=${value}`), ...argv];
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
