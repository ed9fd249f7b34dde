// An app in the situation that a deed is made for, under one of the two hosts.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { childrenOf } from '../../../src/system/processes/usage.ts';
import { runs } from '../../rig/processes.ts';
import { createTestApp, type Run, type TestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, startSupervisor, supervise, type TestSupervisor } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { type Deed, logOf } from './deeds.ts';
import { attach, type Injection, ONE_THREAD, traced } from './strace.ts';

/** `starting`: the deed is the beginning of a supervisor itself. */
export type Host = 'one-shot' | 'supervised' | 'starting';

/** The deed while it is done. */
export interface Doing {
  /** The process in which the operation runs. */
  managerPid(): number | null;
  /** The command; null where a supervisor acts by itself. */
  readonly finished: Promise<Run | null>;
}

export interface Stage extends AsyncDisposable {
  readonly app: TestApp;
  /** Does the deed under strace; the disposer lets go of the manager, before anything else is asked of it. */
  begin(injection: Injection | null): Promise<Doing & AsyncDisposable>;
  /** A new supervisor for one that was killed. */
  revive(): Promise<void>;
}

export const setStage = async (deed: Deed, host: Host): Promise<Stage> => {
  const app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' }, config: { schedule: NO_SCHEDULE } });
  app.configure(deed.config(app.dir));
  try {
    const set = { 'one-shot': oneShot, supervised, starting }[host];
    return await set(app, deed);
  } catch (error) {
    await app[Symbol.asyncDispose]();
    throw error;
  }
};

async function oneShot(app: TestApp, deed: Deed): Promise<Stage> {
  await deed.situation(app);
  return {
    app,
    async begin(injection) {
      const command = app.spawnGraceful([...deed.args, '--json'], ONE_THREAD, traced(logOf(app), injection));
      return {
        managerPid: () => childrenOf(command.process.pid ?? 0)[0] ?? null,
        finished: command.finished,
        [Symbol.asyncDispose]: async () => undefined,
      };
    },
    revive: async () => undefined,
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

async function supervised(app: TestApp, deed: Deed): Promise<Stage> {
  const running: TestSupervisor[] = [];
  const start = async (): Promise<TestSupervisor> => {
    const supervisor = await supervise(app, { env: ONE_THREAD });
    running.push(supervisor);
    return supervisor;
  };
  const first = await startedIdle(app, start);
  // What a supervisor does by itself begins with everything in order, and then something dies.
  if (deed.provoke === null) await deed.situation(app);
  else await app.succeed('start', '--all');
  return {
    app,
    async begin(injection) {
      const tracer = await attach(first.pid, logOf(app), injection);
      const since = first.mark();
      for (const slot of deed.provoke ?? []) process.kill(app.pid(slot) as number, 'SIGKILL');
      const healed = Promise.race([
        first.event('operation-completed', ({ operation }) => operation === 'keepalive', since),
        first.ended,
      ]);
      const finished = deed.provoke === null ? app.graceful(...deed.args) : healed.then(() => null);
      return {
        managerPid: () => first.pid,
        finished,
        async [Symbol.asyncDispose]() {
          await tracer[Symbol.asyncDispose]();
          // strace may let go of it while it stands still.
          if (runs(first.pid)) process.kill(first.pid, 'SIGCONT');
        },
      };
    },
    async revive() {
      // One that was not killed goes on.
      if (first.process.exitCode === null && first.process.signalCode === null) return;
      await start();
    },
    async [Symbol.asyncDispose]() {
      for (const supervisor of running) await supervisor[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

async function starting(app: TestApp, deed: Deed): Promise<Stage> {
  const running: TestSupervisor[] = [];
  await deed.situation(app);
  return {
    app,
    async begin(injection) {
      const supervisor = startSupervisor(app, { env: ONE_THREAD, wrapper: traced(logOf(app), injection) });
      running.push(supervisor);
      const managerPid = (): number | null => childrenOf(supervisor.pid)[0] ?? null;
      return {
        managerPid,
        finished: Promise.race([supervisor.ended, supervisor.begun.catch(() => undefined)]).then(() => null),
        async [Symbol.asyncDispose]() {
          // One that came through all the same goes now: strace with it.
          const pid = managerPid();
          if (pid !== null) process.kill(pid, 'SIGKILL');
          await supervisor.ended;
        },
      };
    },
    async revive() {
      running.push(await supervise(app));
    },
    async [Symbol.asyncDispose]() {
      for (const supervisor of running) await supervisor[Symbol.asyncDispose]();
      await app[Symbol.asyncDispose]();
    },
  };
}

/** Wanted down until the supervisor has begun: what starts the app is the situation. */
async function startedIdle(app: TestApp, start: () => Promise<TestSupervisor>): Promise<TestSupervisor> {
  const desired = app.file(`${app.name}.desired.json`);
  mkdirSync(app.stateDir, { mode: 0o750 });
  writeFileSync(desired, JSON.stringify({ desired: 'down', by: 'the test', at: new Date().toISOString() }));
  const supervisor = await start();
  rmSync(desired);
  return supervisor;
}

/** A deliberate stop that got as far as the disk is believed by whoever looks next. */
export async function assertStaysDown(app: TestApp): Promise<void> {
  const before = app.processes();
  const run = await app.succeed('keepalive');
  assert.match(run.stdout, /"left-down"/, `I6: keepalive did something\n${run.stdout}`);
  await until('I6: nothing was started', () => app.processes().every((pid) => before.includes(pid)));
}
