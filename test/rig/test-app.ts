// One app under test: a directory with a config, the example app, and the real command line run against it.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, lstatSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import type { GracefulEvent } from '../../src/core/events.ts';
import type { FailureRecord } from '../../src/core/failure.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import type { Slot } from '../../src/core/slot.ts';
import type { StatusReport } from '../../src/core/status.ts';
import { repoRoot } from './paths.ts';
import { processesWith } from './processes.ts';
import { tempDir } from './temp-dir.ts';
import { until } from './until.ts';

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

export type EventOf<Type extends GracefulEvent['type']> = Extract<GracefulEvent, { type: Type }>;

/** A `graceful` that is running: its events can be waited for as they come. */
export interface RunningCommand {
  readonly process: ChildProcess;
  readonly finished: Promise<Run>;
  /** Resolves with the first event of the type (that matches), past or to come; rejects when the command ends without it. */
  event<Type extends GracefulEvent['type']>(
    type: Type,
    matches?: (event: EventOf<Type>) => boolean,
  ): Promise<EventOf<Type>>;
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
  /** Runs a command with --json. */
  graceful(...args: readonly string[]): Promise<Run>;
  /** The same, and the exit code must be 0. */
  succeed(...args: readonly string[]): Promise<Run>;
  /** Runs a command as a person (or cron) would, and returns what it printed. */
  plain(...args: readonly string[]): Promise<Run>;
  /** `wrapper`: the program and its arguments that the whole command line is given to, `strace -f …`. */
  spawnGraceful(args: readonly string[], env?: NodeJS.ProcessEnv, wrapper?: readonly string[]): RunningCommand;
  status(): Promise<StatusReport>;
  /** The slot that the link leads to. */
  active(): Slot | null;
  pid(slot: Slot): number | null;
  socket(slot: Slot): string;
  file(name: string): string;
  /** What the link is: its target, and the file itself. Equal if nobody touched it in between. */
  linkIdentity(): string;
  /** Pids of all live processes that were started for this app, whoever's children they are now. */
  processes(): readonly number[];
  /** GET through the link, on a new connection. */
  get(path: string): Promise<Answer>;
  /** POST through the link, or to a socket. */
  post(path: string, socketPath?: string): Promise<Answer>;
}

/** A backend's answer. */
export interface Answer {
  readonly status: number;
  readonly version: string;
  readonly body: string;
}

export interface TestAppOptions {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** What whoever runs the operations finds in its own environment, besides the test's. */
  readonly managerEnv?: NodeJS.ProcessEnv;
  readonly app?: string;
  readonly name?: string;
  /** A directory with an app and its configuration, of which the test gets a copy; nothing is written into it but `version`. */
  readonly example?: string;
}

/** Patient enough for a loaded machine, short enough that a test of a deadline does not take long. */
const DEFAULTS = {
  health: { type: 'http', path: '/healthz', interval: '20ms', timeout: '2s' },
  startTimeout: '2m',
  drainTimeout: '5s',
  stopTimeout: '2s',
};

export async function createTestApp(options: TestAppOptions = {}): Promise<TestApp> {
  const temp = await tempDir();
  const dir = temp.path;
  const name = options.name ?? 'app';
  const { example } = options;
  const stateDir = join(dir, example === undefined ? 'run' : 'var/run');
  const app = options.app ?? NODE_APP;
  let config: Record<string, unknown> = {
    command: app.endsWith('.py') ? ['python3', '-u', app] : [process.execPath, app],
    name,
    stateDir: 'run',
    env: { APP_VERSION_FILE: join(dir, 'version'), ...options.env },
    ...DEFAULTS,
    ...options.config,
  };
  const save = (): void => {
    if (example === undefined) writeFileSync(join(dir, 'graceful.config.json'), JSON.stringify(config, null, 2));
  };
  if (example !== undefined) cpSync(example, dir, { recursive: true });
  const running = new Set<ChildProcess>();
  writeFileSync(join(dir, 'version'), '1\n');
  save();

  const spawnGraceful = (
    args: readonly string[],
    env: NodeJS.ProcessEnv = {},
    wrapper: readonly string[] = [],
  ): RunningCommand => {
    const [program = '', ...rest] = [...wrapper, process.execPath, BIN, ...args];
    const child = spawn(program, rest, {
      cwd: dir,
      env: { ...cleanEnvironment(), ...options.managerEnv, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    running.add(child);
    const command = follow(child);
    void command.finished.then(() => running.delete(child));
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
    async succeed(...args) {
      const run = await spawnGraceful([...args, '--json']).finished;
      assertExit(run, 0);
      return run;
    },
    plain: (...args) => spawnGraceful(args).finished,
    spawnGraceful,
    linkIdentity() {
      const { ino, mtimeMs } = lstatSync(link);
      return `${readlinkSync(link)} inode ${ino} of ${mtimeMs}`;
    },
    processes: () => processesWith('GRACEFUL_SOCKET', `${dir}/`),
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
    get: (path) => ask(link, 'GET', path),
    post: (path, socketPath = link) => ask(socketPath, 'POST', path),
    async [Symbol.asyncDispose]() {
      for (const child of running) child.kill('SIGKILL');
      // Told by their environment, which has our temp dir in it: never by a pid file. A test may have changed the socket.
      await until('the processes of the test have gone', () => {
        const left = ['GRACEFUL_SOCKET', 'APP_VERSION_FILE'].flatMap((name) => processesWith(name, `${dir}/`));
        for (const pid of left) killIfThere(pid);
        return left.length === 0;
      });
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
    event: (type, matches = () => true) =>
      new Promise((resolve, reject) => {
        type Wanted = Parameters<typeof matches>[0];
        const isWanted = (event: GracefulEvent): boolean => event.type === type && matches(event as Wanted);
        const seen = events.find(isWanted);
        if (seen !== undefined) return resolve(seen as Wanted);
        const listener = (event: GracefulEvent): void => {
          if (!isWanted(event)) return;
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

const ask = (socketPath: string, method: string, path: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    request({ socketPath, method, path, agent: false }, (response) => {
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

/** Shows all that was printed when the exit code is another one. */
export function assertExit(run: Run, code: number): void {
  assert.equal(run.code, code, `exit code ${run.code ?? run.signal} instead of ${code}\n${run.stdout}${run.stderr}`);
}

/** The events of one type, in order. */
export const eventsOf = <Type extends GracefulEvent['type']>(run: Run, type: Type): readonly EventOf<Type>[] =>
  run.events.filter((event): event is EventOf<Type> => event.type === type);

/** The failure, which must be of this code. */
export function failureOf<Code extends FailureRecord['code']>(
  run: Run,
  code: Code,
): Extract<FailureRecord, { code: Code }> {
  assert.equal(run.failure?.code, code, `${run.stdout}${run.stderr}`);
  return run.failure as Extract<FailureRecord, { code: Code }>;
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: gone
  }
}
