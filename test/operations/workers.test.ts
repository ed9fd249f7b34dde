// `listen: inherit` and `workers`: we bind the slot's socket, and one process or several get it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { inRepo } from '../rig/paths.ts';
import { runs } from '../rig/processes.ts';
import { createTestApp, eventsOf, failureOf, type TestApp } from '../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

const workers = async (app: TestApp, slot: 'a' | 'b' = 'a') =>
  (await app.status()).slots.find(({ name }) => name === slot)?.workers ?? [];

const allOf = (app: TestApp, count: number) =>
  until(`${count} workers run`, async () => {
    const found = await workers(app);
    return found.length === count ? found : null;
  });

onEachHost('listen: inherit', (createApp) => {
  it('passes the socket on as sd_listen_fds(3) says, with its rights from the first moment on', async () => {
    await using app = await createApp({
      config: { listen: 'inherit', socketMode: '0666' },
      env: { APP_START_DELAY_MS: '300' },
    });
    const start = app.spawnGraceful(['start', '--json']);
    await start.event('backend-started');
    // The app has not begun to listen; who connects waits.
    assert.equal(statSync(app.socket('a')).mode & 0o777, 0o666);
    assert.equal((await start.finished).code, 0);
    const { pid, listen } = JSON.parse((await app.get('/whoami')).body);
    assert.equal(pid, app.pid('a'));
    assert.deepEqual(listen, [String(pid), '1', 'app']);
    for (let round = 0; round < 3; round++) await app.succeed('update');
  });

  it('a backend that cannot start is told as ever, and a second start finds the way free', async () => {
    await using app = await createApp({ config: { listen: 'inherit' }, env: { APP_BROKEN: 'exits' } });
    assert.equal(failureOf(await app.graceful('start'), 'backend-exited').details.exitCode, 3);
    app.deploy('2', { APP_BROKEN: '' });
    await app.succeed('start');
  });
});

onEachHost('workers', (createApp) => {
  it('share one socket, and the status shows each', async () => {
    await using app = await createApp({ config: { listen: 'inherit', workers: 3 } });
    await app.succeed('start');
    const found = await allOf(app, 3);
    assert.deepEqual(
      found.map(({ index }) => index),
      [0, 1, 2],
    );
    const pids = found.map(({ pid }) => pid);
    assert.ok(pids.every(runs));
    assert.equal((await app.get('/whoami')).status, 200);
    const { stdout } = await app.plain('status');
    for (const pid of pids) assert.match(stdout, new RegExp(`worker +${pid} `));
    await app.succeed('stop', '--all');
    assert.deepEqual(app.processes(), []);
  });

  it('one that dies is replaced in its slot; while all are dead, connects wait and none is refused', async () => {
    await using app = await createApp({ config: { listen: 'inherit', workers: 2 } });
    await app.succeed('start');
    const leader = app.pid('a');
    for (const { pid } of await allOf(app, 2)) process.kill(pid, 'SIGKILL');
    assert.equal((await app.get('/')).status, 200);
    const pids = (await allOf(app, 2)).map(({ pid }) => pid);
    assert.equal(new Set(pids).size, 2);
    assert.deepEqual([app.pid('a'), app.active()], [leader, 'a']);
    assert.equal((await app.succeed('keepalive')).outcome?.operation, 'keepalive');
    assert.equal(app.pid('a'), leader);
  });

  it('end with their keepers at a stop signal that a shell lets its background ignore', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({
      config: { listen: 'inherit', workers: 2, stopSignal: 'SIGINT', stopTimeout: '1h' },
      env: { APP_ON_SIGTERM: 'exit' },
    });
    await app.succeed('start');
    await allOf(app, 2);
    const run = await app.succeed('stop', '--all');
    assert.equal(eventsOf(run, 'backend-stopped')[0]?.killed, false);
    assert.deepEqual(app.processes(), []);
  });

  it('that die young are replaced at once the first time, and after a pause from then on', async () => {
    await using app = await createApp({
      config: { listen: 'inherit', workers: 2 },
      env: { PATH: `${inRepo('test/apps/fixtures/witnessed-sleep')}:${process.env['PATH']}` },
    });
    const pauses = (): number =>
      existsSync(`${app.dir}/pauses`) ? readFileSync(`${app.dir}/pauses`, 'utf8').split('\n').length - 1 : 0;
    await app.succeed('start');
    const replaced = async (): Promise<void> => {
      const dying = (await allOf(app, 2))[0];
      assert.ok(dying !== undefined);
      process.kill(dying.pid, 'SIGKILL');
      await until('it is replaced', async () => (await allOf(app, 2)).every(({ pid }) => pid !== dying.pid));
    };
    await replaced();
    assert.equal(pauses(), 0);
    // On a busy machine some may have lived for longer than ten seconds by the time we get to them.
    await until('one has been paused for', async () => {
      await replaced();
      return pauses() > 0;
    });
  });

  it('that exit before they have been ready are a failed update, at once, with the code and the log', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { listen: 'inherit', workers: 2 } });
    await app.succeed('start');
    // One that reads the version after the deploy would be of that.
    await until('both listen', () => readFileSync(app.file('app-a.log'), 'utf8').split('is listening').length > 2);
    app.deploy('2', { APP_BROKEN: 'exits' });
    const { details } = failureOf(await app.graceful('update'), 'backend-exited');
    assert.equal(details.exitCode, 3);
    assert.ok(details.ms < 60_000, `after ${details.ms} ms, and not after startTimeout`);
    assert.match(details.log.join('\n'), /has no column "total"/);
    assert.equal((await app.get('/')).body, 'version 1\n');
    assert.equal((await app.status()).slots[1]?.state, 'stopped');
  });

  it('outlive a leader that is killed, serve on, and keepalive puts a whole slot in their place', async () => {
    await using app = await createApp({ config: { listen: 'inherit', workers: 2 } });
    await app.succeed('start');
    await allOf(app, 2);
    process.kill(app.pid('a') as number, 'SIGKILL');
    assert.equal((await app.get('/')).status, 200);
    await app.graceful('keepalive');
    await until('a slot is ready and active', async () =>
      (await app.status()).slots.some(
        ({ active, state, workers }) => active && state === 'ready' && workers.length === 2,
      ),
    );
    assert.equal((await app.get('/')).status, 200);
  });
});

it('a supervisor notices that the leader of its workers was killed, though they go on', async () => {
  const config = { listen: 'inherit', workers: 2, schedule: NO_SCHEDULE };
  await using app = await createTestApp({ config });
  await using supervisor = await supervise(app);
  await app.succeed('start', '--all');
  await allOf(app, 2);
  const since = supervisor.mark();
  process.kill(app.pid('a') as number, 'SIGKILL');
  await supervisor.event('operation-completed', ({ operation }) => operation === 'keepalive', since);
  assert.equal(app.active(), 'b');
});
