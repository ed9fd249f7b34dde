// What a script can rely on: one exit code for each kind of ending.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { onEachHost } from '../rig/hosts.ts';
import { assertExit, failureOf } from '../rig/test-app.ts';
import { openWebSocket } from '../rig/web-socket.ts';

onEachHost('exit code', (createApp) => {
  it('0: done, or nothing to do', async () => {
    await using app = await createApp();
    for (const args of [['update'], ['keepalive'], ['start'], ['switch', 'a'], ['stop', '--inactive'], ['status']])
      assertExit(await app.plain(...args), 0);
  });

  it('1: failed, and traffic is where it was', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const before = app.linkIdentity();
    app.deploy('2', { APP_BROKEN: 'exits' });
    for (const args of [['update'], ['switch', 'b'], ['stop', 'a'], ['restart', 'a']]) {
      assertExit(await app.plain(...args), 1);
      assert.equal(app.linkIdentity(), before);
    }
    assert.equal((await app.get('/')).version, '1');
  });

  it('2: the command line makes no sense, or the configuration is wrong; nothing was done', async () => {
    await using app = await createApp();
    for (const args of [
      ['updaet'],
      ['stop'],
      ['restart'],
      ['start', 'c'],
      ['update', '--stop-new'],
      ['-c', 'missing.json', 'status'],
    ])
      assertExit(await app.plain(...args), 2);
    const typo = await app.plain('updaet');
    assert.match(typo.stderr, /did you mean.*update/i);
    app.configure({ drainTimeuot: '5s' });
    const run = await app.graceful('update');
    assertExit(run, 2);
    const [problem] = failureOf(run, 'config').details.problems;
    assert.deepEqual([problem?.key, problem?.suggestion], ['drainTimeuot', 'drainTimeout']);
    assert.deepEqual(app.processes(), []);
  });

  it('3: nothing ready is serving', async () => {
    await using app = await createApp();
    for (const args of [['status'], ['switch']]) assertExit(await app.plain(...args), 3);
  });

  it('4: another operation holds the lock', async () => {
    await using app = await createApp({ env: { APP_BROKEN: 'never-listens' } });
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('waiting', (event) => event.for === 'ready');
    const run = await app.graceful('update', '--wait', '0s');
    assertExit(run, 4);
    assert.equal(failureOf(run, 'busy').details.pid, app.managerOf(update));
    assertExit(await app.graceful('keepalive'), 0);
    assertExit(await app.graceful('stop', '--inactive'), 0);
  });

  it('4 does not come from a drain: the lock is free meanwhile', async () => {
    await using app = await createApp({ config: { drainTimeout: '1h' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    await app.succeed('update');
    const stop = app.spawnGraceful(['stop', 'a', '--json']);
    await stop.event('waiting', (event) => event.for === 'drain');
    assertExit(await app.graceful('switch', '--wait', '2s'), 0);
    client.close();
    assertExit(await stop.finished, 0);
  });
});
