// What the benchmarks ask of a peer: to start the app, to bring out a new version of it by the peer's own command, and to
// say which processes are its own. Everything of one run lives in one directory and bears its name in the environment.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { inRepo } from '../../rig/paths.ts';
import { processesWith } from '../../rig/processes.ts';
import { findProgram } from '../../rig/requirements.ts';
import { tempDir } from '../../rig/temp-dir.ts';
import { cleanEnvironment } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';

/** What the app does at SIGTERM: ends its requests first, or exits at once. */
export type Behaviour = 'close' | 'exit';
/** Requests of 0 to 3 ms; or those and 5 % of 500 ms. */
export type LoadKind = 'fast' | 'mix';
/** Exits at its start; runs and listens nowhere; answers every request with 500. */
export type Broken = 'exits' | 'never-listens' | 'errors';

export const BENCH_APP = inRepo('test/bench/apps/bench-app.mjs');
export const PYTHON_DIR = inRepo('test/bench/apps');

export interface CommandResult {
  readonly code: number | string | null;
  readonly ms: number;
  /** What it printed, stdout and stderr. */
  readonly output: string;
}

export interface Workplace extends AsyncDisposable {
  readonly dir: string;
  file(name: string): string;
  /** The app's settings, for managers that pass on what is configured. */
  readonly appEnv: Readonly<Record<string, string>>;
  /** What every process of this run is started with. */
  readonly env: NodeJS.ProcessEnv;
  /** The code on disk, as a deploy changes it. */
  release(version: number, broken?: Broken): void;
  /** Runs a command to its end. */
  run(argv: readonly string[], options?: { readonly timeoutMs?: number }): Promise<CommandResult>;
  /** Starts a process that stays; its output goes to `<name>.log`. */
  launch(name: string, argv: readonly string[], env?: NodeJS.ProcessEnv): number;
  log(name: string): string;
}

export interface Peer {
  readonly id: string;
  /** As the tables call it. */
  readonly title: string;
  readonly ours: boolean;
  readonly proxy: 'nginx' | 'nginx keepalive' | 'HAProxy';
  readonly language: 'node' | 'python';
  readonly behaviours: readonly Behaviour[];
  /** What a deploy is, as its user types it. */
  readonly command: string;
  version(): string;
  start(place: Workplace): Promise<RunningPeer>;
}

export interface RunningPeer extends AsyncDisposable {
  /** Of the proxy. */
  readonly port: number;
  /** The peer's own command; returns when it does. */
  deploy(): Promise<CommandResult>;
  /** The processes that stay and are not the app; the first one is the manager itself. */
  managers(): readonly number[];
  /** Starts a killed manager again, as init would. */
  restartManager?(): Promise<void>;
  /** What a person or cron calls when nobody watches. */
  heal?(): Promise<CommandResult>;
  /** Ends what is kept warm for a rollback, if anything. */
  stopOld?(): Promise<CommandResult>;
  /** The status command and the bare start of what it is written in. */
  readonly status?: { readonly argv: readonly string[]; readonly floor: readonly string[] };
}

const open = new Set<Workplace>();

/** Ends what a measurement that hangs has started. */
export const closeWorkplaces = async (): Promise<void> => {
  await Promise.allSettled([...open].map((place) => place[Symbol.asyncDispose]()));
};

export async function createWorkplace(behaviour: Behaviour, load: LoadKind): Promise<Workplace> {
  const temp = await tempDir();
  const dir = temp.path;
  const appEnv = {
    BENCH_DIR: dir,
    BENCH_ON_SIGTERM: behaviour,
    BENCH_DELAY: '0-3',
    BENCH_SLOW_SHARE: load === 'fast' ? '0' : '0.05',
  };
  const env = { ...cleanEnvironment(), ...appEnv };
  const file = (name: string): string => join(dir, name);
  const log = (name: string): string => {
    try {
      return readFileSync(file(`${name}.log`), 'utf8');
    } catch {
      return ''; // it has not begun
    }
  };
  const place: Workplace = {
    dir,
    file,
    appEnv,
    env,
    log,
    release: (version, broken) => writeFileSync(file('version'), [version, broken ?? ''].join(' ').trim()),
    run: (argv, { timeoutMs = 60_000 } = {}) => runCommand(argv, { cwd: dir, env, timeoutMs }),
    launch(name, [program = '', ...args], more = {}) {
      const output = openSync(file(`${name}.log`), 'a');
      const child = spawn(program, args, {
        cwd: dir,
        env: { ...env, ...more },
        stdio: ['ignore', output, output],
        detached: true,
      });
      closeSync(output);
      child.on('error', () => undefined); // whoever waits for it to serve says so
      child.unref();
      return child.pid ?? 0;
    },
    async [Symbol.asyncDispose]() {
      open.delete(place);
      await until('the processes of the run have gone', () => {
        const left = processesWith('BENCH_DIR', dir);
        for (const pid of left) signal(pid, 'SIGKILL');
        return left.length === 0;
      });
      await temp[Symbol.asyncDispose]();
    },
  };
  open.add(place);
  return place;
}

export async function runCommand(
  [program = '', ...args]: readonly string[],
  { cwd, env, timeoutMs }: { readonly cwd: string; readonly env: NodeJS.ProcessEnv; readonly timeoutMs: number },
): Promise<CommandResult> {
  const startedAt = performance.now();
  const child = spawn(program, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: timeoutMs });
  let output = '';
  const collect = (chunk: string): void => {
    output += chunk;
  };
  child.stdout.setEncoding('utf8').on('data', collect);
  child.stderr.setEncoding('utf8').on('data', collect);
  // Not `close`: what it leaves running may keep its pipes.
  const [code, signalName] = (await once(child, 'exit')) as [number | null, string | null];
  const ms = performance.now() - startedAt;
  await new Promise((resolve) => setImmediate(resolve));
  child.stdout.destroy();
  child.stderr.destroy();
  return { code: code ?? signalName, ms, output };
}

export function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name);
  } catch {
    return false; // ESRCH: gone
  }
}

/** A program that the benchmarks installed. */
export function program(name: string): string {
  const path = findProgram(new RegExp(`^${name}$`));
  if (path === null) throw new Error(`${name} is not installed`);
  return path;
}

export interface Answer {
  readonly status: number;
  readonly version: number;
  readonly pid: number;
}

/** One GET at the proxy's port (or a socket) on a connection of its own. */
export const get = (
  target: { port: number } | { socketPath: string },
  path = '/',
  timeoutMs = 3_000,
): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const sent = request({ ...target, host: '127.0.0.1', path, agent: false, timeout: timeoutMs }, (response) => {
      response.resume();
      response.on('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          version: Number(response.headers['x-version']),
          pid: Number(response.headers['x-pid']),
        }),
      );
      response.on('error', reject);
    });
    sent.on('timeout', () => sent.destroy(new Error('timed out')));
    sent.on('error', reject);
    sent.end();
  });

/** Waits until this version answers, and returns its pid. */
export const untilServed = async (port: number, version: number, timeoutMs = 15_000): Promise<number> =>
  until(
    `version ${version} serves`,
    async () => {
      const answer = await get({ port }).catch(() => null);
      return answer?.status === 200 && answer.version === version && answer.pid;
    },
    timeoutMs,
  );
