// `graceful run` for one or more apps under test: its --json lines as events, and what can be asked at its control socket.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { join } from 'node:path';
import type { HostEvent, StampedEvent } from '../../src/hosts/supervisor/event-hub.ts';
import { BIN, cleanEnvironment, type TestApp } from './test-app.ts';
import { until } from './until.ts';

export type HostEventOf<Type extends HostEvent['type']> = Extract<StampedEvent, { type: Type }>;

/** How a supervisor ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface SupervisorOptions {
  /** The apps' own unless said otherwise. */
  readonly configs?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  /** True unless said otherwise; else it logs for people. */
  readonly json?: boolean;
  /** The program and its arguments that `graceful run …` is given to: `unshare --pid …`. */
  readonly wrapper?: readonly string[];
}

export interface TestSupervisor extends AsyncDisposable {
  readonly process: ChildProcess;
  /** Of the process that was started: the wrapper's, where there is one. */
  readonly pid: number;
  readonly events: readonly StampedEvent[];
  readonly ended: Promise<Ended>;
  stdout(): string;
  stderr(): string;
  /** Events from now on, for `since`. */
  mark(): number;
  /** The first event of the type (that matches), past or to come; rejects when the supervisor ends without it. */
  event<Type extends HostEvent['type']>(
    type: Type,
    matches?: (event: HostEventOf<Type>) => boolean,
    since?: number,
  ): Promise<HostEventOf<Type>>;
  /** Every app has reached its desired state, or failed to. */
  readonly begun: Promise<unknown>;
  kill(signal: NodeJS.Signals): Promise<Ended>;
}

/** Starts a supervisor for the apps. Disposing of it is SIGKILL, which leaves the backends alone. */
export function startSupervisor(apps: TestApp | readonly TestApp[], options: SupervisorOptions = {}): TestSupervisor {
  const all = Array.isArray(apps) ? (apps as readonly TestApp[]) : [apps as TestApp];
  const { args = [], env = {}, json = true, wrapper = [] } = options;
  const configs = options.configs ?? all.map(({ dir }) => join(dir, 'graceful.config.json'));
  const [program = '', ...rest] = [
    ...wrapper,
    process.execPath,
    BIN,
    'run',
    ...configs.flatMap((file) => ['-c', file]),
  ];
  const child = spawn(program, [...rest, ...(json ? ['--json'] : []), ...args], {
    cwd: all[0]?.dir,
    env: { ...cleanEnvironment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const events: StampedEvent[] = [];
  const listeners = new Set<() => void>();
  let stdout = '';
  let stderr = '';
  let scanned = 0;
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
    for (let end = stdout.indexOf('\n', scanned); end !== -1; end = stdout.indexOf('\n', scanned)) {
      const event = eventOf(stdout.slice(scanned, end));
      scanned = end + 1;
      if (event !== null) events.push(event);
    }
    for (const listener of listeners) listener();
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = once(child, 'close').then(
    ([code, signal]): Ended => ({ code: code as number, signal: signal as NodeJS.Signals, stdout, stderr }),
  );

  const event: TestSupervisor['event'] = (type, matches = () => true, since = 0) =>
    new Promise((resolve, reject) => {
      type Wanted = Parameters<typeof matches>[0];
      let next = since;
      const look = (): void => {
        for (; next < events.length; next += 1) {
          const seen = events[next] as StampedEvent;
          if (seen.type !== type || !matches(seen as Wanted)) continue;
          listeners.delete(look);
          resolve(seen as Wanted);
          return;
        }
      };
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`the supervisor ended without ${type}: ${stdout}${stderr}`)));
    });

  const begun = Promise.all(
    all.map(({ name }) => Promise.race([hasBegun('completed', name), hasBegun('failed', name)])),
  );
  begun.catch(() => undefined); // for whoever waits for it

  return {
    process: child,
    pid: child.pid as number,
    events,
    ended,
    begun,
    stdout: () => stdout,
    stderr: () => stderr,
    mark: () => events.length,
    event,
    kill(signal) {
      child.kill(signal);
      return ended;
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await ended;
    },
  };

  function hasBegun(how: 'completed' | 'failed', name: string): Promise<unknown> {
    return event(`operation-${how}`, ({ app, operation }) => app === name && operation === 'keepalive');
  }
}

/** Starts one and waits until it has begun. */
export async function supervise(
  apps: TestApp | readonly TestApp[],
  options: SupervisorOptions = {},
): Promise<TestSupervisor> {
  const supervisor = startSupervisor(apps, options);
  try {
    await supervisor.begun;
  } catch (error) {
    await supervisor[Symbol.asyncDispose]();
    throw error;
  }
  return supervisor;
}

export interface Reply {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
  /** The body, line by line, as JSON. */
  readonly lines: readonly StreamedLine[];
}

export interface StreamedLine {
  readonly event?: StampedEvent;
  readonly outcome?: Readonly<Record<string, unknown>>;
  readonly failure?: { readonly code: string; readonly message: string };
}

/** No clock: what happens is what the test does. */
export const NO_SCHEDULE = { keepalive: null, stopInactive: null };
/** Every second: cron's six fields. */
export const KEEPALIVE_EVERY_SECOND = { keepalive: '*/1 * * * * *', stopInactive: null };

export const controlOf = (app: TestApp): string => app.file(`${app.name}.control`);

/** One request to an app's control socket, to the end of its answer. */
export async function ask(app: TestApp, method: string, path: string, body?: string | Buffer): Promise<Reply> {
  const { response } = await open(app, method, path, body);
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk as string;
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: text,
    lines: text.startsWith('{') ? text.trimEnd().split('\n').map(parse) : [],
  };
}

/** The same, as soon as it is answered at all: what is streamed has not been read. */
export function open(
  app: TestApp,
  method: string,
  path: string,
  body?: string | Buffer,
): Promise<{ readonly request: ClientRequest; readonly response: IncomingMessage }> {
  return new Promise((resolve, reject) => {
    const sent = request({ socketPath: controlOf(app), method, path, agent: false }, (response) =>
      resolve({ request: sent, response }),
    );
    sent.on('error', reject);
    sent.end(body);
  });
}

/** Waits until the app serves this version through its link. */
export const untilServed = (app: TestApp, version: string): Promise<true> =>
  until(`version ${version} serves`, async () => {
    const answer = await app.get('/').catch(() => null);
    return answer?.status === 200 && answer.version === version;
  });

const parse = (line: string): StreamedLine => JSON.parse(line) as StreamedLine;

function eventOf(line: string): StampedEvent | null {
  try {
    return (JSON.parse(line) as StreamedLine).event ?? null;
  } catch {
    return null; // for people
  }
}
