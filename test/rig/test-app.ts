// One app under test: a directory with a config, the example app, and the real command line run against it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { GracefulEvent } from '../../src/core/events.ts';
import type { FailureRecord } from '../../src/core/failure.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Slot } from '../../src/core/slot.ts';
import type { StatusReport } from '../../src/core/status.ts';
import { repoRoot } from './paths.ts';
import { tempDir } from './temp-dir.ts';

export const BIN = join(repoRoot, 'bin/graceful.cjs');
export const NODE_APP = join(repoRoot, 'test/apps/node-app.mjs');
export const PYTHON_APP = join(repoRoot, 'test/apps/python-app.py');

/** How one run of `graceful` ended. */
export interface Run {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
  /** With --json: what happened, in order. */
  readonly events: readonly GracefulEvent[];
  readonly outcome: Outcome | null;
  readonly failure: FailureRecord | null;
}

/** A `graceful` that is running: its events can be waited for as they come. */
export interface RunningCommand {
  readonly process: ChildProcess;
  readonly finished: Promise<Run>;
  /** Resolves with the first event of the type, past or to come; rejects when the command ends without it. */
  event<Type extends GracefulEvent['type']>(type: Type): Promise<Extract<GracefulEvent, { type: Type }>>;
}

export interface TestApp extends AsyncDisposable {
  readonly dir: string;
  readonly stateDir: string;
  readonly link: string;
  readonly name: string;
  /** Rewrites the config file. */
  configure(changes: Readonly<Record<string, unknown>>): void;
  /** The version that the next backend reports, as `git pull` would change it. */
  deploy(version: string, env?: Readonly<Record<string, string>>): void;
  graceful(...args: readonly string[]): Promise<Run>;
  spawnGraceful(args: readonly string[], env?: NodeJS.ProcessEnv): RunningCommand;
  status(): Promise<StatusReport>;
  /** The slot that the link leads to. */
  active(): Slot | null;
  pid(slot: Slot): number | null;
  socket(slot: Slot): string;
  file(name: string): string;
  /** GET through the link, on a new connection. */
  get(path: string): Promise<{ status: number; version: string; body: string }>;
}

export interface TestAppOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly app?: string;
  readonly name?: string;
}

/** Patient enough for a loaded machine, short enough that a test of a deadline does not take long. */
const DEFAULTS = {
  health: { type: 'http', path: '/healthz', interval: '20ms', timeout: '2s' },
  startTimeout: '20s',
  drainTimeout: '5s',
  stopTimeout: '2s',
};

export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const temp = await tempDir();
  const dir = temp.path;
  const name = options.name ?? 'app';
  const stateDir = join(dir, 'run');
  const app = options.app ?? NODE_APP;
  let config: Record<string, unknown> = {
    command: app.endsWith('.py') ? ['python3', '-u', app] : [process.execPath, app],
    name,
    stateDir: 'run',
    env: { APP_VERSION_FILE: join(dir, 'version'), ...options.env },
    ...DEFAULTS,
    ...options.config,
  };
  const save = (): void => writeFileSync(join(dir, 'graceful.config.json'), JSON.stringify(config, null, 2));
  const runs: Run[] = [];
  const running = new Set<ChildProcess>();
  writeFileSync(join(dir, 'version'), '1\n');
  save();

  const spawnGraceful = (args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningCommand => {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: dir,
      env: { ...cleanEnvironment(), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const command = follow(child);
    void command.finished.then((run) => {
      running.delete(child);
      runs.push(run);
    });
    return command;
  };
  const socket = (slot: Slot): string => join(stateDir, `${name}-${slot}.socket`);
  const link = join(stateDir, `${name}.socket`);
  const pid = (slot: Slot): number | null => {
    const path = join(stateDir, `${name}-${slot}.pid`);
    return existsSync(path) ? Number(readFileSync(path, 'utf8')) : null;
  };

  return {
    dir,
    stateDir,
    link,
    name,
    socket,
    pid,
    file: (file) => join(stateDir, file),
    configure(changes) {
      config = { ...config, ...changes };
      save();
    },
    deploy(version, env = {}) {
      writeFileSync(join(dir, 'version'), `${version}\n`);
      config = { ...config, env: { APP_VERSION_FILE: join(dir, 'version'), ...options.env, ...env } };
      save();
    },
    graceful: (...args) => spawnGraceful([...args, '--json']).finished,
    spawnGraceful,
    async status() {
      const run = await spawnGraceful(['status', '--json']).finished;
      return JSON.parse(run.stdout) as StatusReport;
    },
    active() {
      try {
        const target = readlinkSync(link);
        return target === `${name}-a.socket` ? 'a' : target === `${name}-b.socket` ? 'b' : null;
      } catch {
        return null; // ENOENT
      }
    },
    get: (path) => getThrough(link, path),
    async [Symbol.asyncDispose]() {
      for (const child of running) child.kill('SIGKILL');
      config = { ...config, drainTimeout: 0, stopTimeout: 100 };
      save();
      await spawnGraceful(['stop', '--all', '--json']).finished;
      for (const slot of ['a', 'b'] as const) killLeftover(pid(slot), stateDir);
      await temp[Symbol.asyncDispose]();
    },
  };
}

/** What the manager's own environment must not bring in: the test runner's and the machine's Node settings. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const { NODE_OPTIONS, NODE_EXTRA_CA_CERTS, NODE_TEST_CONTEXT, GRACEFUL_CONFIG, GRACEFUL_STATEDIR, ...rest } =
    process.env;
  return rest;
}

function follow(child: ChildProcess): RunningCommand {
  let stdout = '';
  let stderr = '';
  let scanned = 0;
  const events: GracefulEvent[] = [];
  const listeners = new Set<(event: GracefulEvent) => void>();
  child.stdout?.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (let end = stdout.indexOf('\n', scanned); end !== -1; end = stdout.indexOf('\n', scanned)) {
      const event = parseLine(stdout.slice(scanned, end))?.event;
      scanned = end + 1;
      if (event === undefined) continue;
      events.push(event);
      for (const listener of listeners) listener(event);
    }
  });
  child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const finished = once(child, 'close').then(([code, signal]): Run => {
    const last = parseLine(stdout.trimEnd().split('\n').at(-1) ?? '');
    return {
      code: code as number | null,
      signal: signal as NodeJS.Signals | null,
      stdout,
      stderr,
      events,
      outcome: last?.outcome ?? null,
      failure: last?.failure ?? null,
    };
  });
  return {
    process: child,
    finished,
    event: (type) =>
      new Promise((resolve, reject) => {
        type Wanted = Parameters<typeof resolve>[0] & GracefulEvent;
        const seen = events.find((event) => event.type === type);
        if (seen !== undefined) return resolve(seen as Wanted);
        const listener = (event: GracefulEvent): void => {
          if (event.type !== type) return;
          listeners.delete(listener);
          resolve(event as Wanted);
        };
        listeners.add(listener);
        void finished.then((run) => reject(new Error(`ended without ${type}: ${run.stdout}${run.stderr}`)));
      }),
  };
}

interface StreamLine {
  readonly event?: GracefulEvent;
  readonly outcome?: Outcome;
  readonly failure?: FailureRecord;
}

function parseLine(line: string): StreamLine | null {
  try {
    return JSON.parse(line) as StreamLine;
  } catch {
    return null; // not --json
  }
}

const getThrough = (socketPath: string, path: string): Promise<{ status: number; version: string; body: string }> =>
  new Promise((resolve, reject) => {
    request({ socketPath, path, agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        body += chunk;
      });
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, version: String(response.headers['x-version']), body }),
      );
    })
      .on('error', reject)
      .end();
  });

/** A backend that outlived its test, told by its environment: never by its pid alone. */
function killLeftover(pid: number | null, stateDir: string): void {
  if (pid === null) return;
  try {
    if (readFileSync(`/proc/${pid}/environ`, 'latin1').includes(stateDir)) process.kill(pid, 'SIGKILL');
  } catch {
    // ENOENT, ESRCH: gone
  }
}
