// Nothing is signalled while a client is connected to it, until the drain deadline.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { get } from 'node:http';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { allOrFirst, SKIP_IN_SHORT } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { inRepo } from '../rig/paths.ts';
import { runs } from '../rig/processes.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { createTestApp, eventsOf, NODE_APP, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';
import { openWebSocket } from '../rig/web-socket.ts';

/** Something that stays connected to the active backend until it is closed. */
type Hold = (app: TestApp) => Promise<() => void>;

const HOLDS: Readonly<Record<string, Hold>> = {
  'a WebSocket': async ({ link }) => {
    const socket = await openWebSocket({ socketPath: link });
    assert.equal(await socket.echo('hello'), 'hello');
    return socket.close;
  },
  'an event stream': async ({ link }) => {
    const request = get({ socketPath: link, path: '/events', agent: false });
    const [response] = await once(request, 'response');
    await once(response, 'data');
    return () => request.destroy();
  },
  'a connection that has said nothing yet': async ({ link }) => {
    const socket = connect(link);
    await once(socket, 'connect');
    return () => socket.destroy();
  },
};

const accepted = async (app: TestApp, slot: 'a' | 'b'): Promise<number> =>
  (await app.status()).slots.find(({ name }) => name === slot)?.connections?.accepted ?? 0;

/** An update to version 3 that waits for the client of the backend in a, which had the traffic before the last one. */
async function updateThatDrains(app: TestApp) {
  await app.succeed('update');
  const client = await openWebSocket({ socketPath: app.link });
  await app.succeed('update');
  app.deploy('3');
  const update = app.spawnGraceful(['update', '--json']);
  await update.event('waiting', (event) => event.for === 'drain' && event.slot === 'a');
  return { client, update };
}

onEachHost('a drain', (createApp) => {
  for (const [what, hold] of allOrFirst(Object.entries(HOLDS)))
    it(`waits for ${what}, and the backend is signalled only afterwards`, async () => {
      await using app = await createApp({ config: { drainTimeout: '1h' } });
      await app.succeed('update');
      const letGo = await hold(app);
      await until('the backend has accepted it', async () => (await accepted(app, 'a')) === 1);
      await app.succeed('update');
      const old = app.pid('a') ?? assert.fail();

      const stop = app.spawnGraceful(['stop', 'a', '--json']);
      const waiting = await stop.event('waiting', (event) => event.for === 'drain');
      assert.equal(waiting.detail, '1 connection left');
      assert.ok(runs(old));
      letGo();
      const run = await stop.finished;
      assert.equal(run.code, 0);
      assert.equal(eventsOf(run, 'backend-drained')[0]?.method, 'socket-table');
      assert.equal(eventsOf(run, 'connections-cut').length, 0);
      const order = run.events.map((event) => event.type);
      assert.ok(order.indexOf('backend-drained') < order.indexOf('backend-signalled'));
      assert.equal(runs(old), false);
    });

  it('ends at drainTimeout, and says how many connections were cut off', async () => {
    await using app = await createApp({ config: { drainTimeout: '400ms' } });
    await app.succeed('update');
    const clients = await Promise.all([1, 2, 3].map(() => openWebSocket({ socketPath: app.link })));
    await app.succeed('update');
    const run = await app.succeed('stop', 'a');
    const [cut] = eventsOf(run, 'connections-cut');
    assert.deepEqual([cut?.slot, cut?.count], ['a', 3]);
    assert.ok((cut?.afterMs ?? 0) >= 400, `${cut?.afterMs}`);
    assert.equal(eventsOf(run, 'backend-drained').length, 0);
    await Promise.all(clients.map((client) => client.closed));
    assert.equal(app.pid('a'), null);
  });

  it('tells how many are left as they go', async () => {
    await using app = await createApp({ config: { drainTimeout: '1h' } });
    await app.succeed('update');
    const clients = await Promise.all([1, 2].map(() => openWebSocket({ socketPath: app.link })));
    await app.succeed('update');
    const stop = app.spawnGraceful(['stop', 'a', '--json']);
    await stop.event('waiting', (event) => event.detail === '2 connections left');
    clients[0]?.close();
    await stop.event('still-waiting', (event) => event.detail === '1 connection left');
    clients[1]?.close();
    assert.equal((await stop.finished).code, 0);
  });

  it('of an update waits too: the backend that the new version replaces has clients', async () => {
    await using app = await createApp({ config: { drainTimeout: '1h' } });
    const { client, update } = await updateThatDrains(app);
    assert.equal(await client.echo('still served'), 'still served');
    client.close();
    assert.equal((await update.finished).code, 0);
    assert.equal((await app.get('/')).version, '3');
  });

  it('ends when the backend dies: nobody is connected to it any more', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({ config: { drainTimeout: '1h' } });
    const { client, update } = await updateThatDrains(app);
    process.kill(app.pid('a') ?? assert.fail(), 'SIGKILL');
    assert.equal((await update.finished).code, 0);
    await client.closed;
    assert.equal((await app.get('/')).version, '3');
  });

  it('is given up when traffic comes back by a rollback: the backend is kept', async () => {
    await using app = await createApp({ config: { drainTimeout: '1h' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    await app.succeed('update');
    const stop = app.spawnGraceful(['stop', '--inactive', '--json']);
    await stop.event('waiting', (event) => event.for === 'drain');
    await app.succeed('switch', 'a');
    client.close();
    const run = await stop.finished;
    assert.equal(run.code, 0);
    assert.equal(eventsOf(run, 'backend-signalled').length, 0);
    assert.deepEqual(run.outcome?.operation === 'stop' && run.outcome.kept, [{ slot: 'a', reason: 'it is active' }]);
    assert.ok(runs(app.pid('a') ?? 0) && runs(app.pid('b') ?? 0));
  });

  it('of a named slot is given up in the same way, and the answer says why', async () => {
    await using app = await createApp({ config: { drainTimeout: '1h' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    await app.succeed('update');
    const stop = app.spawnGraceful(['stop', 'a', '--json']);
    await stop.event('waiting', (event) => event.for === 'drain');
    await app.succeed('switch', 'a');
    client.close();
    const { outcome } = await stop.finished;
    assert.deepEqual(outcome?.operation === 'stop' && outcome.kept, [{ slot: 'a', reason: 'it is active' }]);
  });

  it('counts a request that is queued and not yet accepted: it is answered before the backend is signalled', async () => {
    await using app = await createApp({
      config: {
        command: ['python3', inRepo('test/apps/fixtures/accepts-later.py')],
        health: { type: 'exec', command: ['true'] },
        drainTimeout: '1h',
      },
    });
    await app.succeed('start', '--all');
    const old = app.pid('a') ?? assert.fail();
    const answer = app.get('/');
    await until('the request is queued', async () => (await app.status()).slots[0]?.connections?.queued === 1);
    await app.succeed('switch', 'b');
    const stop = app.spawnGraceful(['stop', 'a', '--json']);
    const waiting = await stop.event('waiting', (event) => event.for === 'drain');
    assert.equal(waiting.detail, '0 connections left, 1 queued');
    process.kill(old, 'SIGUSR1');
    assert.deepEqual([(await answer).status, (await answer).version], [200, 'late']);
    const run = await stop.finished;
    assert.equal(run.code, 0);
    assert.equal(eventsOf(run, 'backend-drained')[0]?.method, 'socket-table');
  });

  it('counts the clients of a backend that bound its socket by a relative path', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({
      // The kernel's table shows only the relative path: another app's of the same one could not be told apart.
      name: `app-${randomUUID().slice(0, 8)}`,
      config: {
        cwd: 'run',
        command: ['sh', '-c', `GRACEFUL_SOCKET={name}-{slot}.socket exec "$0" "$1"`, process.execPath, NODE_APP],
        drainTimeout: '1h',
      },
    });
    await holdsAndCounts(app);
  });

  it('counts the clients of a backend that renamed its socket into place', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({
      config: {
        command: [process.execPath, inRepo('test/apps/fixtures/renames-its-socket.mjs')],
        drainTimeout: '1h',
      },
    });
    await holdsAndCounts(app);
  });

  it('counts the clients of a child that listens in place of the process that was started', async () => {
    await using app = await createApp({
      config: { command: ['sh', '-c', '"$0" "$1"; exit $?', process.execPath, NODE_APP], drainTimeout: '1h' },
    });
    await holdsAndCounts(app);
  });

  const inNamespace = (script: string) => ({
    config: { command: ['sh', '-c', script, process.execPath, NODE_APP], drainTimeout: '1h' },
  });

  it('counts the clients of a backend in a network namespace of its own', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp(inNamespace('exec unshare --net --map-root-user "$0" "$1"'));
    await holdsAndCounts(app);
  });

  it('counts the clients of a child in a network namespace of its own', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp(inNamespace('unshare --net --map-root-user "$0" "$1"; exit $?'));
    await holdsAndCounts(app);
  });

  it('counts clients in a network namespace of their own, as a proxy in a container has', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { drainTimeout: '1h' } });
    await app.succeed('start', '--all');
    const script = 'require("node:net").connect(process.argv[1]).on("connect", () => console.log("connected"))';
    const client = spawn('unshare', ['--net', '--map-root-user', process.execPath, '-e', script, app.link], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    await once(client.stdout, 'data');
    await app.succeed('switch', 'b');
    const stop = app.spawnGraceful(['stop', 'a', '--json']);
    const waiting = await stop.event('waiting', (event) => event.for === 'drain');
    assert.equal(waiting.detail, '1 connection left');
    client.kill();
    assert.equal(eventsOf(await stop.finished, 'backend-drained')[0]?.method, 'socket-table');
  });

  // Bound in a directory that says nothing about the slot, then renamed: which listener is its own cannot be told.
  it('is timed where connections cannot be counted, and says so', async () => {
    await using elsewhere = await tempDir();
    await using app = await createApp({
      env: { BIND_AT: elsewhere.join('{slot}.socket') },
      config: {
        command: [process.execPath, inRepo('test/apps/fixtures/renames-its-socket.mjs')],
        drainTimeout: '3s',
      },
    });
    await app.succeed('update');
    assert.equal((await app.get('/')).status, 200);
    assert.equal((await app.status()).slots[0]?.connections, null);
    await app.succeed('update');
    const run = await app.succeed('stop', 'a');
    const [drained] = eventsOf(run, 'backend-drained');
    assert.equal(drained?.method, 'timed');
    assert.ok(drained.ms >= 3_000, `only ${drained.ms} ms`);
    assert.match(eventsOf(run, 'waiting')[0]?.detail ?? '', /cannot be counted/);
    assert.equal(app.pid('a'), null);
    assert.equal(app.processes().includes(app.pid('b') ?? 0), true);
  });
});

// One-shot only. A supervisor repairs the app by itself: there is nothing left for keepalive.
describe('a drain [one-shot]', { concurrency: 4, timeout: 600_000 }, () => {
  it('does not hold the lock: keepalive repairs the app meanwhile', async () => {
    await using app = await createTestApp({ config: { drainTimeout: '1h' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    await app.succeed('update');
    const stop = app.spawnGraceful(['stop', 'a', '--json']);
    await stop.event('waiting', (event) => event.for === 'drain');
    process.kill(app.pid('b') ?? assert.fail(), 'SIGKILL');
    await until('b has gone', async () => !(await app.get('/').catch(() => null)));
    const run = await app.succeed('keepalive');
    assert.equal(run.outcome?.operation === 'keepalive' && run.outcome.action, 'switched');
    assert.equal((await app.get('/')).status, 200);
    client.close();
    assert.equal((await stop.finished).code, 0);
    assert.ok(runs(app.pid('a') ?? 0), 'what serves again was not stopped');
  });
});

/** One client is counted, waited for, and no longer counted when it has gone. */
async function holdsAndCounts(app: TestApp): Promise<void> {
  await app.succeed('start', '--all');
  const client = connect(app.link);
  await once(client, 'connect');
  await app.succeed('switch', 'b');
  await until('it is counted', async () => (await accepted(app, 'a')) === 1);
  const stop = app.spawnGraceful(['stop', 'a', '--json']);
  const waiting = await stop.event('waiting', (event) => event.for === 'drain');
  assert.equal(waiting.detail, '1 connection left');
  client.destroy();
  const run = await stop.finished;
  assert.equal(run.code, 0);
  assert.equal(eventsOf(run, 'backend-drained')[0]?.method, 'socket-table');
}
