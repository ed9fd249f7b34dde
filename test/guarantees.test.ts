// The four guarantees of the README, each under its own words, by commands alone and under a supervisor.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { GracefulEvent } from '../src/core/events.ts';
import { allOrFirst } from './rig/extent.ts';
import { makeFifo } from './rig/fifo.ts';
import { runs, stateOf } from './rig/processes.ts';
import {
  assertExit,
  createTestApp,
  eventsOf,
  failureOf,
  type RunningCommand,
  type TestApp,
  type TestAppOptions,
} from './rig/test-app.ts';
import { NO_SCHEDULE, supervise, type TestSupervisor } from './rig/test-supervisor.ts';
import { until } from './rig/until.ts';
import { openWebSocket } from './rig/web-socket.ts';

/** Whoever runs the operations. */
interface Host extends AsyncDisposable {
  /** SIGKILL to the process in which the operation of this command runs; then a new one, if it is a supervisor. */
  kill(command: RunningCommand): Promise<void>;
}

const HOSTS: Readonly<Record<string, (app: TestApp) => Promise<Host>>> = {
  'commands alone': async () => ({
    async kill(command) {
      command.process.kill('SIGKILL');
      await command.finished;
    },
    [Symbol.asyncDispose]: async () => undefined,
  }),
  'a supervisor': async (app) => {
    let supervisor: TestSupervisor = await supervise(app);
    return {
      async kill(command) {
        await supervisor.kill('SIGKILL');
        assertExit(await command.finished, 5);
        supervisor = await supervise(app);
      },
      [Symbol.asyncDispose]: () => supervisor[Symbol.asyncDispose](),
    };
  },
};

const createApp = ({ config, ...rest }: TestAppOptions = {}): Promise<TestApp> =>
  createTestApp({ config: { schedule: NO_SCHEDULE, ...config }, ...rest });

/** The moments at which a manager is killed: the events right before and after everything that changes something. */
const MOMENTS: readonly GracefulEvent['type'][] = [
  'waiting',
  'backend-signalled',
  'backend-started',
  'backend-ready',
  'traffic-switched',
  'switch-verified',
];

/** Ways in which a new version is bad, and what its failure is called. */
const BAD: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  'backend-exited': { env: { APP_BROKEN: 'exits' } },
  'not-ready': { env: { APP_BROKEN: '500' }, startTimeout: '1s' },
  'not-executable': { command: ['./no-such-program'] },
  'hook-failed': { hooks: { beforeStart: ['false'] } },
};

for (const [host, begin] of allOrFirst(Object.entries(HOSTS)))
  describe(`the guarantees of the README, by ${host}`, { concurrency: 4, timeout: 600_000 }, () => {
    it('Traffic moves only to a backend that has answered its health check', async () => {
      await using app = await createApp();
      const passes = (slot: string): string => join(app.dir, `passes-${slot}`);
      const asked = join(app.dir, 'asked');
      const timesAsked = (slot: string): number =>
        existsSync(asked) ? readFileSync(asked, 'utf8').split(slot).length - 1 : 0;
      const command = ['sh', '-c', 'echo {slot} >> "$0/asked"; test -e "$0/passes-{slot}"', app.dir];
      app.configure({ health: { type: 'exec', command, interval: '20ms', timeout: '2s' } });
      writeFileSync(passes('a'), '');
      await using _host = await begin(app);
      await app.succeed('start');
      const before = app.linkIdentity();

      const update = app.spawnGraceful(['update', '--json']);
      await until('b has failed its check many times', () => timesAsked('b') > 3);
      assert.equal((await app.post('/', app.socket('b'))).status, 200, 'it would answer');
      assert.equal(app.linkIdentity(), before);
      writeFileSync(passes('b'), '');
      const run = await update.finished;
      assertExit(run, 0);
      const order = run.events.map(({ type }) => type);
      assert.ok(order.indexOf('backend-ready') < order.indexOf('traffic-switched'), run.stdout);
      assert.equal(app.active(), 'b');

      rmSync(passes('a'));
      failureOf(await app.graceful('switch', 'a'), 'slot-not-ready');
      assert.equal(app.active(), 'b');
    });

    it('A failed update changes nothing', async () => {
      await using app = await createApp();
      await using _host = await begin(app);
      await app.succeed('start');
      const before = [app.linkIdentity(), app.active(), app.pid('a')];
      const good = JSON.parse(readFileSync(join(app.dir, 'graceful.config.json'), 'utf8'));
      for (const [code, changes] of Object.entries(BAD)) {
        app.deploy('bad');
        app.configure({ ...changes, env: { ...good.env, ...(changes['env'] as object | undefined) } });
        const run = await app.graceful('update');
        assertExit(run, 1);
        assert.equal(run.failure?.code, code, run.stdout);
        assert.match((await app.plain('update')).stderr, /^graceful: .+\n/m, 'the reason is on the screen');
        assert.deepEqual([app.linkIdentity(), app.active(), app.pid('a')], before, code);
        assert.equal((await app.get('/')).version, '1');
        assert.deepEqual(app.processes(), [app.pid('a')], 'nothing of the bad version is left');
        app.configure(good);
      }
    });

    it('One operation at a time, even across crashes of the tool itself', async () => {
      await using app = await createApp({ env: { APP_ON_SIGTERM: 'exit' } });
      await using manager = await begin(app);
      await app.succeed('update');
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const first = app.spawnGraceful(['update', '--json']);
      await until('it is at work', fifo.isWaitedFor);
      assertExit(await app.graceful('update', '--wait', '100ms'), 4);
      app.configure({ hooks: {} });
      fifo.release();
      assertExit(await first.finished, 0);

      let version = 1;
      for (const moment of MOMENTS) {
        app.deploy(String(++version), { APP_ON_SIGTERM: 'exit' });
        // It does not come to its end before it is killed, however slow we are.
        app.configure({ hooks: { afterSwitch: fifo.waitForIt } });
        const update = app.spawnGraceful(['update', '--json']);
        await update.event(moment);
        app.configure({ hooks: {} });
        await manager.kill(update);
        assert.equal((await app.get('/')).status, 200, `killed at ${moment}: the link leads to a live backend`);
        app.deploy(String(++version), { APP_ON_SIGTERM: 'exit' });
        const next = await app.succeed('update');
        assert.equal(
          eventsOf(next, 'waiting').some((event) => event.for === 'lock'),
          false,
          next.stdout,
        );
        assert.equal((await app.get('/')).version, String(version));
        await until('nothing half-started is left', () => app.processes().length <= 2);
        assert.deepEqual(new Set(app.processes()), new Set([app.pid('a'), app.pid('b')]), `killed at ${moment}`);
      }
    });

    it('Nothing is signalled while a client is connected to it, until the drain deadline; no process is ever signalled unless it is certainly ours', async () => {
      await using app = await createApp({ config: { drainTimeout: '1h' } });
      await using _host = await begin(app);
      await app.succeed('start');
      const client = await openWebSocket({ socketPath: app.link });
      await app.succeed('update');
      const old = app.pid('a') ?? assert.fail();
      const stop = app.spawnGraceful(['stop', 'a', '--json']);
      await stop.event('waiting', (event) => event.for === 'drain');
      assert.equal(await client.echo('still served'), 'still served');
      assert.ok(runs(old));
      client.close();
      const drained = await stop.finished;
      assertExit(drained, 0);
      const order = drained.events.map(({ type }) => type);
      assert.ok(order.indexOf('backend-drained') < order.indexOf('backend-signalled'), drained.stdout);

      // The deadline.
      app.configure({ drainTimeout: '300ms' });
      const stays = await openWebSocket({ socketPath: app.link });
      await app.succeed('update');
      const cut = await app.succeed('stop', 'b');
      assert.deepEqual(
        eventsOf(cut, 'connections-cut').map(({ slot, count, afterMs }) => [slot, count, afterMs >= 300]),
        [['b', 1, true]],
      );
      await stays.closed;

      // As if the kernel had given the pid of a backend to somebody else.
      const stranger = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
      try {
        await once(stranger, 'spawn');
        const pid = stranger.pid ?? assert.fail();
        await app.succeed('start', 'b');
        const record = JSON.parse(readFileSync(app.file('app-b.backend.json'), 'utf8'));
        await app.succeed('stop', 'b');
        for (const args of [['stop', 'b'], ['start', 'b'], ['update'], ['restart', '--all'], ['stop', '--all']]) {
          if (app.pid('b') === null) {
            writeFileSync(app.file('app-b.backend.json'), JSON.stringify({ ...record, pid }));
            writeFileSync(app.file('app-b.pid'), `${pid}\n`);
          }
          const run = await app.succeed(...args);
          assert.equal(
            eventsOf(run, 'backend-signalled').some((event) => event.pid === pid),
            false,
            run.stdout,
          );
          assert.equal(stateOf(pid), 'S');
        }
      } finally {
        stranger.kill('SIGKILL');
      }
    });
  });
