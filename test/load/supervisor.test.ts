// Under load behind nginx: updates through the supervisor, the supervisor killed in the middle of them, and its backends killed.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SKIP_IN_SHORT, times } from '../rig/extent.ts';
import { failed } from '../rig/load-report.ts';
import { startNginx } from '../rig/nginx.ts';
import { argumentsOf, processesWith } from '../rig/processes.ts';
import { skipUnless } from '../rig/requirements.ts';
import { assertExit, createTestApp, eventsOf, type TestApp } from '../rig/test-app.ts';
import { NO_SCHEDULE, startSupervisor, supervise, type TestSupervisor } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';
import { assertNothingLost, underLoad, untilLeft } from './under-load.ts';

const UPDATES = times({ whole: 20, short: 5 });
const KILLS = 20;
const FAILOVERS = 5;

const skip = skipUnless('nginx', 'wrk');

const createApp = (): Promise<TestApp> =>
  createTestApp({ config: { schedule: NO_SCHEDULE }, env: { APP_ON_SIGTERM: 'exit', APP_DELAY: '0-3' } });

it(`${UPDATES} updates through the supervisor lose no request`, { skip }, async (t) => {
  await using app = await createApp();
  await using supervisor = await supervise(app);
  await using nginx = await startNginx({ config: 'plain', socketPath: app.link });
  const report = await underLoad(nginx, async () => {
    for (let update = 1; update <= UPDATES; update += 1) {
      app.deploy(String(1 + update));
      const run = await app.succeed('update');
      assert.deepEqual(eventsOf(run, 'connections-cut'), []);
    }
    await untilLeft(app.socket(app.active() === 'a' ? 'b' : 'a'));
  });
  assertNothingLost(report, nginx);
  assert.equal(Object.keys(report.versions).length, 1 + UPDATES);
  assert.equal(
    supervisor.events.filter((event) => event.type === 'operation-completed' && event.operation === 'update').length,
    UPDATES,
  );
  t.diagnostic(`${report.requests} requests`);
});

it(`SIGKILL to the supervisor at ${KILLS} random moments of an update loses no request, and the next one takes over`, {
  skip: SKIP_IN_SHORT || skip,
}, async (t) => {
  await using app = await createApp();
  await app.succeed('update');
  await using nginx = await startNginx({ config: 'plain', socketPath: app.link });
  const codes: (number | null)[] = [];
  const report = await underLoad(nginx, async () => {
    let typicalMs = 1_000;
    for (let kill = 0; kill < KILLS; kill += 1) {
      await using supervisor = await supervise(app);
      app.deploy(`half ${kill}`);
      const update = app.spawnGraceful(['update', '--json']);
      const { at } = await supervisor.event('operation-started', ({ operation }) => operation === 'update');
      // The moment itself is what is random: nothing is waited for here.
      await Promise.race([sleep(Math.random() * typicalMs), update.finished]);
      await supervisor.kill('SIGKILL');
      const killed = await update.finished;
      codes.push(killed.code);
      assert.ok(killed.code === 5 || killed.code === 0, `${killed.code}: ${killed.stdout}${killed.stderr}`);
      assert.ok(app.pid(app.active() ?? 'a') !== null, 'the link leads to a backend');

      await using next = await supervise(app);
      assert.deepEqual(managersOf(app), [next.pid]);
      app.deploy(`whole ${kill}`);
      const run = await app.graceful('update');
      assertExit(run, 0);
      typicalMs = durationOf(next) ?? Date.now() - Date.parse(at);
      await until('no half-started backend is left', () => app.processes().length <= 2);
      assert.deepEqual(new Set(app.processes()), new Set([app.pid('a'), app.pid('b')]), 'an orphan');
      assert.equal((await app.get('/')).version, `whole ${kill}`);
      await next.kill('SIGKILL');
    }
    await untilLeft(app.socket(app.active() === 'a' ? 'b' : 'a'));
  });
  t.diagnostic(`${report.requests} requests; the killed updates ended with ${codes.join(' ')}`);
  assertNothingLost(report, nginx);
});

it('SIGKILL to the active backend: how soon the ready one takes over, and how many requests that costs', {
  skip: SKIP_IN_SHORT || skip,
}, async (t) => {
  await using app = await createApp();
  await app.succeed('update');
  await using nginx = await startNginx({ config: 'plain', socketPath: app.link });
  // Its own children, and the ones that it found running.
  for (const [whose, updates] of [
    ['its own', 2],
    ['adopted', 0],
  ] as const) {
    await using supervisor = startSupervisor(app);
    await supervisor.begun;
    for (let update = 0; update < updates; update += 1) await app.succeed('update');
    const noticed: number[] = [];
    const moved: number[] = [];
    let deaths = 0;
    const report = await underLoad(nginx, async () => {
      for (; deaths < FAILOVERS; deaths += 1) {
        const active = app.active() ?? assert.fail();
        const since = supervisor.mark();
        process.kill(app.pid(active) ?? assert.fail(), 'SIGKILL');
        const killedAt = Date.now();
        noticed.push(Date.parse((await supervisor.event('backend-died', undefined, since)).at) - killedAt);
        moved.push(Date.parse((await supervisor.event('traffic-switched', undefined, since)).at) - killedAt);
        await supervisor.event('operation-completed', ({ operation }) => operation === 'keepalive', since);
        // A warm one again; adopted ones cannot be had more than once.
        if (whose === 'adopted') break;
        await app.succeed('restart', active);
      }
    });
    t.diagnostic(
      `${whose}: noticed after ${noticed.join(', ')} ms, link moved after ${moved.join(', ')} ms; ` +
        `${failed(report)} of ${report.requests} requests lost in ${noticed.length} deaths`,
    );
    // How soon is in the diagnostic. That it was at once, and not with the next minute's keepalive, is the promise.
    assert.ok(Math.max(...moved) < 10_000, `the link moved after ${moved.join(', ')} ms`);
    await supervisor.kill('SIGUSR2');
    await app.succeed('update');
  }
});

/** Every `graceful run` of this app, by its command line. */
const managersOf = (app: TestApp): readonly number[] =>
  processesWith('PWD', '').filter((pid) => argumentsOf(pid).join(' ').includes(`run -c ${app.dir}/`));

function durationOf(supervisor: TestSupervisor): number | undefined {
  const done = supervisor.events.findLast(
    (event) => event.type === 'operation-completed' && event.operation === 'update',
  );
  return done?.type === 'operation-completed' ? done.ms : undefined;
}
