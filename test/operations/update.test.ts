// What `update` promises when the new version is good.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { onEachHost } from '../rig/hosts.ts';
import { runs } from '../rig/processes.ts';
import { createTestApp, eventsOf } from '../rig/test-app.ts';

onEachHost('update', (createApp) => {
  it('the first update starts slot a and leads traffic to it', async () => {
    await using app = await createApp();
    const run = await app.succeed('update');
    assert.deepEqual(
      { ...run.outcome, ms: 0 },
      {
        operation: 'update',
        from: null,
        to: 'a',
        release: null,
        stoppedOld: false,
        watched: null,
        ms: 0,
      },
    );
    assert.equal(app.active(), 'a');
    assert.equal((await app.get('/')).version, '1');
    assert.equal(app.pid('b'), null);
    assert.deepEqual(app.processes(), [app.pid('a')]);
  });

  it('each update puts the new version into the other slot, and traffic follows', async () => {
    await using app = await createApp();
    await app.succeed('update');
    for (const [version, slot] of [
      ['2', 'b'],
      ['3', 'a'],
      ['4', 'b'],
    ] as const) {
      app.deploy(version);
      const run = await app.succeed('update');
      assert.equal(run.outcome?.operation === 'update' && run.outcome.to, slot);
      assert.equal(app.active(), slot);
      assert.equal((await app.get('/')).version, version);
    }
  });

  it('the old version stays warm: it runs, is ready, and a switch goes back to it at once', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const old = app.pid('a');
    app.deploy('2');
    await app.succeed('update');
    assert.equal(app.pid('a'), old);
    const { slots } = await app.status();
    assert.deepEqual(
      slots.map(({ name, state, active }) => ({ name, state, active })),
      [
        { name: 'a', state: 'ready', active: false },
        { name: 'b', state: 'ready', active: true },
      ],
    );
    await app.succeed('switch');
    assert.equal((await app.get('/')).version, '1');
    assert.equal(app.pid('a'), old);
  });

  it('update --stop-old stops the old version once nobody is connected to it', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const old = app.pid('a');
    assert.ok(old);
    app.deploy('2');
    const run = await app.succeed('update', '--stop-old');
    assert.equal(run.outcome?.operation === 'update' && run.outcome.stoppedOld, true);
    assert.equal(eventsOf(run, 'backend-drained')[0]?.method, 'socket-table');
    assert.equal(runs(old), false);
    assert.equal(app.pid('a'), null);
    assert.equal(existsSync(app.socket('a')), false);
    assert.deepEqual(app.processes(), [app.pid('b')]);
    assert.equal((await app.get('/')).version, '2');
  });

  it('what happened is told in order: started, ready, switched, verified', async () => {
    await using app = await createApp();
    const run = await app.succeed('update');
    const told = run.events.map((event) => event.type).filter((type) => !type.endsWith('waiting'));
    assert.deepEqual(told, ['backend-started', 'backend-ready', 'traffic-switched', 'switch-verified']);
  });

  it('an update of an app that was taken down means that it is wanted up again', async () => {
    await using app = await createApp();
    await app.succeed('update');
    await app.succeed('stop', '--all');
    assert.equal((await app.status()).desired, 'down');
    const run = await app.succeed('update');
    assert.deepEqual(
      eventsOf(run, 'desired-changed').map((event) => event.desired),
      ['up'],
    );
    assert.equal((await app.status()).desired, 'up');
    assert.equal((await app.get('/')).status, 200);
  });

  it('no request fails while versions change under it', async () => {
    await using app = await createApp({ env: { APP_ON_SIGTERM: 'exit', APP_DELAY: '0-3' } });
    await app.succeed('update');
    const seen = new Set<string>();
    const failures: unknown[] = [];
    let goesOn = true;
    const client = async (): Promise<void> => {
      while (goesOn) {
        try {
          const answer = await app.get('/');
          if (answer.status !== 200) failures.push(answer);
          seen.add(answer.version);
        } catch (error) {
          failures.push(error);
        }
      }
    };
    const clients = [client(), client(), client()];
    for (const version of ['2', '3', '4']) {
      app.deploy(version, { APP_ON_SIGTERM: 'exit', APP_DELAY: '0-3' });
      await app.succeed('update', '--stop-old');
    }
    goesOn = false;
    await Promise.all(clients);
    assert.deepEqual(failures, []);
    assert.deepEqual([...seen].sort().slice(-3), ['2', '3', '4']);
  });

  it('name: fastcgi gives the file names that django_graceful users have in their nginx configs', async () => {
    await using app = await createApp({ name: 'fastcgi' });
    await app.succeed('update');
    for (const file of ['fastcgi.socket', 'fastcgi-a.socket', 'fastcgi-a.pid', 'fastcgi-a.log'])
      assert.ok(existsSync(app.file(file)), file);
  });
});

// One-shot only. A supervisor fails over by itself before there is anything for the update to replace.
describe('update [one-shot]', { concurrency: 4, timeout: 600_000 }, () => {
  it('a sick active backend is what an update replaces: a healthy one in the other slot takes over meanwhile', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    app.deploy('2');
    await app.succeed('update');
    assert.equal(app.active(), 'b');
    process.kill(app.pid('b') ?? assert.fail(), 'SIGKILL');
    app.deploy('3');
    const spared = app.pid('a');
    const run = await app.succeed('update');
    assert.deepEqual(
      eventsOf(run, 'traffic-switched').map(({ from, to }) => `${from}>${to}`),
      ['b>a', 'a>b'],
    );
    assert.equal(app.pid('a'), spared);
    assert.equal((await app.get('/')).version, '3');
  });
});
