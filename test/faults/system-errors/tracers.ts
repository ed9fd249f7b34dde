// An app on one of the two hosts, and strace at the process that does the work: the command, or the supervisor that it asks.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../rig/paths.ts';
import { runs } from '../../rig/processes.ts';
import { type Fault, STRACE_ENV, straceInjecting, straceRecording } from '../../rig/strace.ts';
import { createTestApp, type Run, type TestApp, type TestAppOptions } from '../../rig/test-app.ts';
import { NO_SCHEDULE, startSupervisor, type TestSupervisor } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { TRACED } from './calls.ts';

export type HostName = 'one-shot' | 'supervised';

export interface HostedApp extends AsyncDisposable {
  readonly app: TestApp;
  readonly supervisor: TestSupervisor | null;
}

export interface TracedApp extends HostedApp {
  /** Where the calls are written to. */
  readonly log: string;
  /** Runs the command under strace, right after `before`. */
  traced(tracer: Tracer, args: readonly string[], before?: () => void): Promise<Run>;
}

/** Records, or has a call fail. */
export type Tracer = { readonly records: true } | { readonly fault: Fault };

export interface HostOptions extends TestAppOptions {
  /** Before the state dir is there, or anything runs. */
  readonly beforeStart?: (app: TestApp) => void;
}

/** Opened when our own code begins to run: what Node loads before is not ours to answer for. */
export const OUR_CODE = join(repoRoot, 'dist/main.cjs');

export async function openHosted(host: HostName, options: HostOptions): Promise<HostedApp> {
  const app = await createTestApp({ ...options, config: { ...options.config, schedule: NO_SCHEDULE } });
  options.beforeStart?.(app);
  if (host === 'one-shot') return { app, supervisor: null, [Symbol.asyncDispose]: () => app[Symbol.asyncDispose]() };
  // Wanted down until the supervisor has begun: what starts the app is the command.
  const desired = app.file(`${app.name}.desired.json`);
  mkdirSync(app.stateDir, { recursive: true, mode: 0o750 });
  writeFileSync(desired, JSON.stringify({ desired: 'down', by: 'the battery', at: new Date().toISOString() }));
  const supervisor = startSupervisor(app, { env: STRACE_ENV });
  await supervisor.begun;
  rmSync(desired);
  return {
    app,
    supervisor,
    async [Symbol.asyncDispose]() {
      await supervisor[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

export async function openTraced(host: HostName, options: TestAppOptions): Promise<TracedApp> {
  const hosted = await openHosted(host, options);
  const { app, supervisor } = hosted;
  const log = join(app.dir, 'strace.log');
  const wrapperOf = (tracer: Tracer): readonly string[] =>
    'fault' in tracer ? straceInjecting(tracer.fault, log) : straceRecording(TRACED, log);
  return {
    ...hosted,
    log,
    async traced(tracer, args, before) {
      const wrapper = wrapperOf(tracer);
      if (supervisor === null) {
        before?.();
        return app.spawnGraceful([...args, '--json'], STRACE_ENV, wrapper).finished;
      }
      const strace = await attach(wrapper, supervisor.pid);
      const exited = once(strace, 'exit'); // by itself, when the supervisor has gone
      try {
        before?.();
        return await app.graceful(...args);
      } finally {
        strace.kill('SIGTERM'); // it lets go
        await exited;
      }
    },
  };
}

/** Returns when every thread of the process is traced. */
async function attach([program = '', ...args]: readonly string[], pid: number) {
  const strace = spawn(program, [...args, '-p', String(pid)], { stdio: 'ignore' });
  await until('strace is attached', () => {
    if (!runs(pid)) throw new Error('the supervisor has gone');
    return readdirSync(`/proc/${pid}/task`).every((thread) =>
      /^TracerPid:\s*[1-9]/m.test(readFileSync(`/proc/${pid}/task/${thread}/status`, 'utf8')),
    );
  });
  return strace;
}
