// What `health.warmup` promises: the new version has answered requests before anybody else sends one.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { it } from 'node:test';
import { SLOTS } from '../../src/core/slot.ts';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { type CreateApp, type HostedApp, onEachHost } from '../rig/hosts.ts';
import { inRepo } from '../rig/paths.ts';
import { runs } from '../rig/processes.ts';
import { assertExit, eventsOf, failureOf } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const APP = inRepo('test/apps/fixtures/says-what-is-asked.mjs');
const HTTP = { type: 'http', path: '/healthz', interval: '20ms', timeout: '10s' };

/** Version 1 serves from a, without any warm-up; b will be warmed up. */
async function serving(createApp: CreateApp, health: object, config: object = {}): Promise<HostedApp> {
  const app = await createApp({ app: APP, config: { ...config, health: { ...HTTP, ...health } } });
  await app.succeed('update');
  return app;
}

const asked = (app: HostedApp, slot: 'a' | 'b'): readonly string[] =>
  [...readFileSync(app.file(`app-${slot}.log`), 'utf8').matchAll(/asked for (.*)/g)].map(([, path = '']) => path);

onEachHost('a warm-up', (createApp) => {
  it('asks for its paths by turns when the backend is ready, and only then does traffic move', async () => {
    await using app = await serving(createApp, { warmup: 3, warmupPath: ['/x', '/none'] });
    const run = await app.succeed('update');
    const told = run.events.map(({ type }) => type).filter((type) => !type.endsWith('waiting'));
    assert.deepEqual(told, [
      'backend-started',
      'backend-ready',
      'backend-warmed',
      'traffic-switched',
      'switch-verified',
    ]);
    const [warmed] = eventsOf(run, 'backend-warmed');
    assert.deepEqual([warmed?.requests, warmed?.failed], [3, 0]);
    // Ready, three requests, still ready, and once more through the link.
    assert.deepEqual(asked(app, 'b'), ['/healthz', '/x', '/none', '/x', '/healthz', '/healthz']);
  });

  it('asks for the path of the health check unless told otherwise; requests that fail are told, and the update goes on', async () => {
    await using app = await serving(createApp, { warmup: 2 });
    assert.deepEqual(eventsOf(await app.succeed('update'), 'backend-warmed')[0]?.requests, 2);
    assert.deepEqual(asked(app, 'b'), Array(5).fill('/healthz'));
    app.configure({ health: { ...HTTP, warmup: 2, warmupPath: '/fail' } });
    const [warmed] = eventsOf(await app.succeed('update'), 'backend-warmed');
    assert.deepEqual([warmed?.requests, warmed?.failed, warmed?.detail], [2, 2, 'HTTP 500']);
  });

  it('that the backend does not survive is a failed update: traffic stays where it was', async () => {
    await using app = await serving(createApp, { warmup: 2, warmupPath: '/exit' });
    const link = app.linkIdentity();
    const run = await app.graceful('update');
    assertExit(run, 1);
    const { details, message } = failureOf(run, 'backend-exited');
    assert.deepEqual([details.exitCode, details.during, details.log.at(-1)], [3, 'warm-up', 'asked for /exit']);
    assert.match(message, /during its warm-up/);
    assert.equal(app.linkIdentity(), link);
    assert.deepEqual(app.processes(), [app.pid('a')]);
  });

  it('after which the backend is not ready within startTimeout is a failed update', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await serving(createApp, { warmup: 1, warmupPath: '/sick' }, { startTimeout: '10s' });
    const link = app.linkIdentity();
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.equal(failureOf(run, 'not-ready').details.lastProbe, 'HTTP 500 (after the warm-up)');
    assert.equal(app.linkIdentity(), link);
    assert.deepEqual(app.processes(), [app.pid('a')]);
  });

  it('ends with startTimeout at the latest, and a backend that is ready then is good', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await serving(createApp, { warmup: 5, warmupPath: '/hang' }, { startTimeout: '10s' });
    const run = await app.succeed('update');
    const [warmed] = eventsOf(run, 'backend-warmed');
    assert.ok(warmed !== undefined && warmed.requests < 5, JSON.stringify(warmed));
    assert.equal(app.active(), 'b');
  });

  it('is left out while nothing ready serves: a cold backend is better than none', async () => {
    await using app = await serving(createApp, { warmup: 3, warmupPath: '/x' });
    assert.deepEqual(asked(app, 'a'), ['/healthz', '/healthz']);
    const dead = app.pid('a') as number;
    process.kill(dead, 'SIGKILL');
    await until('it has gone', () => !runs(dead));
    // A supervisor may be at it already, and then it is busy.
    await app.succeed('keepalive');
    await until('a new one serves', () => app.get('/').catch(() => null));
    for (const slot of SLOTS.filter((slot) => existsSync(app.file(`app-${slot}.log`))))
      assert.equal(asked(app, slot).includes('/x'), false);
  });

  it('connects, where the health check does', async () => {
    await using app = await serving(createApp, {}, {});
    app.configure({ health: { type: 'connect', warmup: 3 } });
    const [warmed] = eventsOf(await app.succeed('update'), 'backend-warmed');
    assert.deepEqual([warmed?.requests, warmed?.failed], [3, 0]);
  });
});
