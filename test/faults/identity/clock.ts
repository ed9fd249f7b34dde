// The clock on the wall jumps by hours, forward or back, in the middle of an operation: no deadline may notice.
import assert from 'node:assert/strict';
import { existsSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { GracefulEvent } from '../../../src/core/events.ts';
import { makeFifo } from '../../rig/fifo.ts';
import { createTestApp, eventsOf, type TestApp, type TestAppOptions } from '../../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { watch } from '../kit/invariants.ts';
import { Missed } from '../kit/missed.ts';
import { everyNth, LONG_SHARE } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';

const JUMPS = ['+5h', '-5h', '+400d', '-400d'];

export function clockCases(form: Form): readonly Case[] {
  const all = [...atEvents(), ...deadlines(), ...schedules()];
  return everyNth(all, form === 'long' ? LONG_SHARE : 37, 'clock');
}

/** The library that Debian's faketime preloads; it answers for CLOCK_REALTIME only. */
function libfaketime(): string {
  for (const directory of readdirSync('/usr/lib')) {
    const path = join('/usr/lib', directory, 'faketime/libfaketimeMT.so.1');
    if (existsSync(path)) return path;
  }
  throw new Error('faketime is not installed');
}

const HOUR_MS = 3_600_000;
const msOf = (jump: string): number => Number.parseInt(jump, 10) * (jump.endsWith('d') ? 24 : 1) * HOUR_MS;

/** Whether whoever stamped this reads the clock that has jumped. */
function hasJumped(stamped: object | undefined, by: string): boolean {
  const { at = 'never' } = (stamped ?? {}) as { readonly at?: string };
  return Math.abs(Date.parse(at) - Date.now() - msOf(by)) < HOUR_MS;
}

/** Else the case shows nothing. */
const assertJumped = (stamped: object | undefined, by: string): void =>
  assert.ok(hasJumped(stamped, by), `the clock did not jump ${by}: ${JSON.stringify(stamped)}`);

interface Clock {
  readonly env: NodeJS.ProcessEnv;
  jump(by: string): void;
}

function clockOf(dir: string): Clock {
  const file = join(dir, 'clock');
  const jump = (by: string): void => {
    writeFileSync(`${file}.new`, `${by}\n`);
    renameSync(`${file}.new`, file);
  };
  jump('+0');
  return {
    jump,
    env: {
      LD_PRELOAD: libfaketime(),
      FAKETIME_TIMESTAMP_FILE: file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      NO_FAKE_STAT: '1',
    },
  };
}

/** The app itself lives in real time. */
const createApp = (options: TestAppOptions = {}): Promise<TestApp> =>
  createTestApp({ ...options, config: { schedule: NO_SCHEDULE, ...options.config } });
const REAL_TIME = { LD_PRELOAD: null };

const MOMENTS: readonly GracefulEvent['type'][] = [
  'waiting',
  'backend-started',
  'backend-ready',
  'traffic-switched',
  'backend-drained',
  'backend-signalled',
];
const OF_A_STOP: typeof MOMENTS = ['waiting', 'backend-drained', 'backend-signalled'];
const COMMANDS = [['update'], ['update', '--stop-old'], ['restart', '--all'], ['stop', '--all']];

function* atEvents(): Iterable<Case> {
  for (const by of JUMPS)
    for (const moment of MOMENTS)
      for (const command of COMMANDS)
        for (const host of ['one-shot', 'supervised']) {
          if (command[0] === 'stop' && !OF_A_STOP.includes(moment)) continue;
          yield {
            row: 'the clock jumps by hours in the middle of an operation',
            name: `${by} at ${moment}, ${host}: ${command.join(' ')}`,
            tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear'],
            async run() {
              await using app = await createApp();
              app.configure({ env: { APP_VERSION_FILE: join(app.dir, 'version'), ...REAL_TIME } });
              const clock = clockOf(app.dir);
              await app.succeed('start', '--all');
              await using supervisor = host === 'supervised' ? await supervise(app, { env: clock.env }) : null;
              await using witness = await watch(app);
              const running = app.spawnGraceful([...command, '--json'], supervisor === null ? clock.env : {});
              await running.event(moment);
              clock.jump(by);
              const startedAt = performance.now();
              const { code, events, stdout, stderr } = await running.finished;
              assert.equal(code, 0, `${stdout}${stderr}`);
              assert.ok(performance.now() - startedAt < 25_000, 'clear: it took as if it waited for the clock');
              const stops = command[0] === 'stop';
              const again = await witness.check({
                told: events,
                again: command,
                desired: stops ? 'down' : 'up',
                ...(stops && { mayRefuse: 'the app was taken down' }),
              });
              // Each event that a supervisor tells has its stamp.
              if (supervisor !== null && again !== null && again.events.length > 0)
                assertJumped(again.events.at(-1), by);
              if (supervisor !== null) assertJumped(supervisor.events.at(-1), by);
              // It may have told its last before the jump came.
              if (supervisor === null && !hasJumped(events.at(-1), by))
                throw new Missed(`it was over before the clock jumped ${by}`);
            },
          };
        }
}

interface Reached {
  readonly ms: number;
  /** Null where nothing is told after the deadline. */
  readonly last: GracefulEvent | undefined | null;
}

interface Deadline {
  readonly what: string;
  readonly options: TestAppOptions;
  /** Does what runs into the deadline; returns how long that took, and what was told last. */
  run(app: TestApp, clock: Clock, by: string): Promise<Reached>;
}

const DEADLINE_MS = 2_000;
/** Later by less than this on a machine with much to do. */
const SLACK_MS = 12_000;

const DEADLINES: readonly Deadline[] = [
  {
    what: 'startTimeout',
    options: { config: { startTimeout: DEADLINE_MS }, env: { APP_BROKEN: 'never-listens' } },
    async run(app, clock, by) {
      const running = app.spawnGraceful(['update', '--json'], clock.env);
      await running.event('backend-started');
      const startedAt = performance.now();
      clock.jump(by);
      const run = await running.finished;
      assert.equal(run.failure?.code, 'not-ready', run.stdout);
      return { ms: performance.now() - startedAt, last: run.events.at(-1) };
    },
  },
  {
    what: 'drainTimeout',
    options: { config: { drainTimeout: DEADLINE_MS } },
    async run(app, clock, by) {
      await app.succeed('start', '--all');
      const open = connect(app.socket('b'));
      await until('it is connected', () => !open.connecting);
      open.on('error', () => undefined);
      const running = app.spawnGraceful(['update', '--json'], clock.env);
      await running.event('waiting', (event) => event.for === 'drain');
      const startedAt = performance.now();
      clock.jump(by);
      const run = await running.finished;
      open.destroy();
      assert.equal(run.code, 0, run.stdout);
      assert.ok((eventsOf(run, 'connections-cut')[0]?.afterMs ?? 0) >= DEADLINE_MS, run.stdout);
      return { ms: performance.now() - startedAt, last: run.events.at(-1) };
    },
  },
  {
    what: 'stopTimeout',
    options: { config: { stopTimeout: DEADLINE_MS }, env: { APP_ON_SIGTERM: 'ignore' } },
    async run(app, clock, by) {
      await app.succeed('start', '--all');
      const running = app.spawnGraceful(['stop', 'b', '--json'], clock.env);
      await running.event('backend-signalled');
      const startedAt = performance.now();
      clock.jump(by);
      const run = await running.finished;
      assert.deepEqual(
        eventsOf(run, 'backend-signalled').map(({ signal }) => signal),
        ['SIGTERM', 'SIGKILL'],
      );
      return { ms: performance.now() - startedAt, last: run.events.at(-1) };
    },
  },
  {
    what: '--wait',
    options: {},
    async run(app, clock, by) {
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const holder = app.spawnGraceful(['update', '--json']);
      await until('the lock is held', fifo.isWaitedFor);
      const running = app.spawnGraceful(['update', '--wait', `${DEADLINE_MS}ms`, '--json'], clock.env);
      await running.event('waiting', (event) => event.for === 'lock');
      const startedAt = performance.now();
      clock.jump(by);
      const run = await running.finished;
      assert.equal(run.code, 4, run.stdout);
      fifo.release();
      assert.equal((await holder.finished).code, 0);
      return { ms: performance.now() - startedAt, last: null };
    },
  },
  {
    what: "a hook's time",
    options: { config: { startTimeout: DEADLINE_MS, hooks: { beforeStart: ['sleep', '1000'] } } },
    async run(app, clock, by) {
      const running = app.spawnGraceful(['update', '--json'], clock.env);
      await until('the hook runs', () => existsSync(app.file('app.hook.json')));
      const startedAt = performance.now();
      clock.jump(by);
      const run = await running.finished;
      assert.equal(run.failure?.code, 'hook-failed', run.stdout);
      return { ms: performance.now() - startedAt, last: null };
    },
  },
];

function* deadlines(): Iterable<Case> {
  for (const { what, options, run } of DEADLINES)
    for (const by of JUMPS)
      for (let round = 0; round < 2; round += 1)
        yield {
          row: 'a deadline is neither early nor late when the clock jumps',
          name: `${what}, ${by}, round ${round}`,
          tried: ['clear'],
          async run() {
            await using app = await createApp(options);
            const env = { APP_VERSION_FILE: join(app.dir, 'version'), ...options.env };
            app.configure({ env: { ...env, ...REAL_TIME } });
            const { ms, last } = await run(app, clockOf(app.dir), by);
            if (last !== null) assertJumped(last, by);
            // What is measured begins a moment after the deadline's own start.
            assert.ok(ms > DEADLINE_MS - 700, `${what} came early: after ${ms} ms`);
            assert.ok(ms < DEADLINE_MS + SLACK_MS, `${what} came late: after ${ms} ms`);
            await assertNoted(app);
          },
        };
}

/** The history has how long it took, whatever the clock on the wall did meanwhile. */
async function assertNoted(app: TestApp): Promise<void> {
  const { stdout } = await app.plain('history', '--json');
  const took = stdout.split('\n').flatMap((line) => (line === '' ? [] : (JSON.parse(line) as { ms: number }).ms));
  assert.ok(took.length > 0 && took.every((ms) => ms >= 0 && ms < HOUR_MS), `the history: ${took.join(', ')} ms`);
}

function* schedules(): Iterable<Case> {
  for (const by of JUMPS)
    for (const rounds of [1, 2, 3])
      yield {
        row: "the supervisor's schedule goes on when the clock jumps",
        name: `${by}, ${rounds} times`,
        tried: ['I1', 'I5', 'clear'],
        async run() {
          await using app = await createApp({
            config: { schedule: { keepalive: '*/1 * * * * *', stopInactive: null } },
          });
          app.configure({ env: { APP_VERSION_FILE: join(app.dir, 'version'), ...REAL_TIME } });
          const clock = clockOf(app.dir);
          await using supervisor = await supervise(app, { env: clock.env });
          for (let round = 0; round < rounds; round += 1) {
            clock.jump(round % 2 === 0 ? by : '+0');
            const mark = supervisor.mark();
            await until(
              'keepalive ticks again',
              () => supervisor.events.slice(mark).filter(({ type }) => type === 'operation-completed').length > 2,
              20_000,
            );
            assertJumped(supervisor.events.at(-1), round % 2 === 0 ? by : '+0h');
          }
          process.kill(app.pid('a') ?? 0, 'SIGKILL');
          const mark = supervisor.mark();
          await supervisor.event('switch-verified', () => true, mark);
          assert.equal((await app.get('/')).status, 200);
        },
      };
}
