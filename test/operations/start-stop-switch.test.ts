// start, stop, restart and switch: what an operator asks for by hand.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Slot } from '../../src/core/slot.ts';
import { connectionsTo } from '../load/under-load.ts';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { onEachHost } from '../rig/hosts.ts';
import { runs } from '../rig/processes.ts';
import { assertExit, createTestApp, eventsOf, failureOf, NODE_APP, type Run, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const states = async (app: TestApp): Promise<string> =>
  (await app.status()).slots.map(({ state, active }) => (active ? `${state}*` : state)).join(' ');

const outcomeOf = (run: Run): unknown => ({ ...run.outcome, ms: 0 });

const pidOf = (app: TestApp, slot: Slot): number => app.pid(slot) ?? assert.fail(`nothing runs in ${slot}`);

onEachHost('start', (createApp) => {
  it('with no name brings the app up in slot a', async () => {
    await using app = await createApp();
    const run = await app.succeed('start');
    assert.deepEqual(outcomeOf(run), { operation: 'start', started: ['a'], alreadyRunning: [], active: 'a', ms: 0 });
    assert.equal(await states(app), 'ready* stopped');
  });

  it('of a named slot leaves the link where a ready backend is', async () => {
    await using app = await createApp();
    await app.succeed('start', 'a');
    const before = app.linkIdentity();
    await app.succeed('start', 'b');
    assert.equal(await states(app), 'ready* ready');
    assert.equal(app.linkIdentity(), before);
  });

  it('of a slot that runs already has nothing to do, says so and exits 0', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const pid = app.pid('a');
    const run = await app.succeed('start', 'a');
    assert.deepEqual(outcomeOf(run), { operation: 'start', started: [], alreadyRunning: ['a'], active: 'a', ms: 0 });
    assert.equal(eventsOf(run, 'already-running')[0]?.ready, true);
    assert.equal(app.pid('a'), pid);
    assert.match((await app.plain('start')).stdout, /nothing to do/);
  });

  it('--all starts both slots and leads traffic to the first', async () => {
    await using app = await createApp();
    const run = await app.succeed('start', '--all');
    assert.deepEqual(outcomeOf(run), {
      operation: 'start',
      started: ['a', 'b'],
      alreadyRunning: [],
      active: 'a',
      ms: 0,
    });
    assert.equal(await states(app), 'ready* ready');
  });

  it('after `stop --all` makes the app wanted up again', async () => {
    await using app = await createApp();
    await app.succeed('start');
    await app.succeed('stop', '--all');
    await app.succeed('start');
    assert.equal((await app.status()).desired, 'up');
    assert.equal(await states(app), 'ready* stopped');
  });

  it('of a backend that does not come up fails with exit code 1 and leaves nothing running', async () => {
    await using app = await createApp({ env: { APP_BROKEN: 'exits' } });
    const run = await app.graceful('start');
    assertExit(run, 1);
    failureOf(run, 'backend-exited');
    assert.deepEqual(app.processes(), []);
  });

  it('with nothing but a sick backend running exits 3: nothing ready is serving', async () => {
    await using app = await createApp();
    await app.succeed('start');
    await app.post('/fail-health');
    const run = await app.graceful('start');
    assertExit(run, 3);
    assert.match(failureOf(run, 'not-serving').details.reason, /slot a: HTTP 503/);
  });
});

// One-shot only. A supervisor replaces a backend that is killed by itself: there is nothing left to start by hand.
describe('start [one-shot]', { concurrency: 4, timeout: 600_000 }, () => {
  it('with no name starts the slot that the link points to', async () => {
    await using app = await createTestApp();
    await app.succeed('start', 'b');
    assert.equal(app.active(), 'b');
    process.kill(pidOf(app, 'b'), 'SIGKILL');
    await app.succeed('start');
    assert.equal(await states(app), 'stopped ready*');
  });

  it('where the link leads to a dead backend: nobody can come before the new one is ready', async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    process.kill(pidOf(app, 'a'), 'SIGKILL');
    const fifo = makeFifo(join(app.dir, 'fifo'));
    app.configure({ command: fifo.waitForIt });
    const start = app.spawnGraceful(['start', '--json']);
    await until('the new one runs', () => fifo.isWaitedFor());
    assert.equal(existsSync(app.link), false);
    fifo.release();
    assertExit(await start.finished, 1);
    assert.equal(app.active(), 'a', 'which version is active is not forgotten');
    app.deploy('3');
    app.configure({ command: [process.execPath, NODE_APP] });
    const all = await app.succeed('start', '--all');
    const order = all.events.map(({ type }) => type).filter((type) => /backend-started|switched/.test(type));
    assert.deepEqual(
      order,
      ['backend-started', 'traffic-switched', 'backend-started'],
      'it does not wait for the other',
    );
    assert.equal((await app.get('/')).version, '3');
  });

  it('of the other slot takes the traffic when the active backend is dead', async () => {
    await using app = await createTestApp();
    await app.succeed('start', 'a');
    process.kill(pidOf(app, 'a'), 'SIGKILL');
    await app.succeed('start', 'b');
    assert.equal(await states(app), 'stopped ready*');
  });
});

it('stop of an active slot whose backend is dead [one-shot] takes nothing down without --force: keepalive brings the app back', async () => {
  await using app = await createTestApp();
  await app.succeed('start');
  process.kill(pidOf(app, 'a'), 'SIGKILL');
  assert.deepEqual(outcomeOf(await app.succeed('stop', 'a')), {
    operation: 'stop',
    stopped: [],
    kept: [{ slot: 'a', reason: 'it is not running' }],
    active: 'a',
    ms: 0,
  });
  await app.succeed('keepalive');
  assert.equal((await app.get('/')).status, 200);
});

onEachHost('stop', (createApp) => {
  it('of an inactive slot drains it, stops it and leaves traffic alone', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    const before = app.linkIdentity();
    const pid = pidOf(app, 'b');
    const run = await app.succeed('stop', 'b');
    assert.deepEqual(outcomeOf(run), { operation: 'stop', stopped: ['b'], kept: [], active: 'a', ms: 0 });
    assert.equal(app.linkIdentity(), before);
    assert.equal(runs(pid), false);
    assert.deepEqual(
      ['app-b.pid', 'app-b.socket', 'app-b.backend.json'].filter((file) => existsSync(app.file(file))),
      [],
    );
  });

  it('of the active slot moves its traffic first when the other one is ready', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    const run = await app.succeed('stop', 'a');
    const order = run.events.map((event) => event.type).filter((type) => /switch|drained|stopped/.test(type));
    assert.deepEqual(order, ['traffic-switched', 'switch-verified', 'backend-drained', 'backend-stopped']);
    assert.equal(await states(app), 'stopped ready*');
  });

  it('of the active slot is refused with exit code 1 when the other one is not ready', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const before = app.linkIdentity();
    const run = await app.graceful('stop', 'a');
    assertExit(run, 1);
    assert.equal(failureOf(run, 'would-lose-traffic').details.reason, 'slot b is stopped');
    assert.equal(app.linkIdentity(), before);
    assert.equal(await states(app), 'ready* stopped');
    assert.match((await app.plain('stop', 'a')).stderr, /--force/);

    await app.succeed('start', 'b');
    await app.post('/fail-health', app.socket('b'));
    const unready = await app.graceful('stop', 'a');
    assert.equal(failureOf(unready, 'would-lose-traffic').details.reason, 'slot b is unready');
  });

  it('--force stops the active slot all the same, and keepalive leaves it so', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const run = await app.succeed('stop', 'a', '--force');
    assert.deepEqual(outcomeOf(run), { operation: 'stop', stopped: ['a'], kept: [], active: null, ms: 0 });
    assert.equal(existsSync(app.link), false);
    await app.succeed('keepalive');
    assert.deepEqual(app.processes(), []);
  });

  it('--inactive stops what is not active, and nothing else', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    const run = await app.succeed('stop', '--inactive');
    assert.deepEqual(outcomeOf(run), { operation: 'stop', stopped: ['b'], kept: [], active: 'a', ms: 0 });
    assert.equal(await states(app), 'ready* stopped');
    const again = await app.plain('stop', '--inactive');
    assertExit(again, 0);
    assert.equal(again.stdout + again.stderr, '', 'cron would mail it');
  });

  it('--inactive --older-than keeps what was active a moment ago', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp();
    await app.succeed('update');
    await app.succeed('update');
    const kept = await app.succeed('stop', '--inactive', '--older-than', '1h');
    assert.deepEqual(kept.outcome?.operation === 'stop' && kept.outcome.stopped, []);
    assert.match(JSON.stringify(kept.outcome), /inactive for \d+ s only/);
    assert.equal(await states(app), 'ready ready*');
    const stopped = await app.succeed('stop', '--inactive', '--older-than', '1ms');
    assert.deepEqual(stopped.outcome?.operation === 'stop' && stopped.outcome.stopped, ['a']);
  });

  it('--inactive keeps a ready backend while the active one is sick: keepalive will need it', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    await app.post('/fail-health');
    const run = await app.succeed('stop', '--inactive');
    assert.match(JSON.stringify(run.outcome), /it is ready and the active slot is not/);
    assert.ok(runs(pidOf(app, 'b')));
  });

  it('--all takes the app down: the link goes first, then both backends, and it is wanted down', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    const run = await app.succeed('stop', '--all');
    assert.deepEqual(outcomeOf(run), { operation: 'stop', stopped: ['a', 'b'], kept: [], active: null, ms: 0 });
    const order = run.events.map((event) => event.type).filter((type) => /desired|removed|signalled/.test(type));
    assert.deepEqual(order, ['desired-changed', 'link-removed', 'backend-signalled', 'backend-signalled']);
    assert.deepEqual(app.processes(), []);
    const report = await app.status();
    assert.deepEqual([report.desired, report.active, report.link.target], ['down', null, null]);
  });

  it('--all lets a request that is being answered finish', async () => {
    await using app = await createApp({
      config: { drainTimeout: '60s' },
      env: { APP_ON_SIGTERM: 'exit', APP_SLOW_MS: '3000' },
    });
    await app.succeed('start');
    const inFlight = app.get('/slow');
    await until('the request has arrived', async () => (await connectionsTo(app.socket('a'))) > 0);
    const run = await app.succeed('stop', '--all');
    assert.equal((await inFlight).status, 200);
    assert.equal(eventsOf(run, 'connections-cut').length, 0);
    assert.deepEqual(app.processes(), []);
  });

  it('of what does not run has nothing to do', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const run = await app.succeed('stop', 'b');
    assert.deepEqual(outcomeOf(run), {
      operation: 'stop',
      stopped: [],
      kept: [{ slot: 'b', reason: 'it is not running' }],
      active: 'a',
      ms: 0,
    });
  });

  it('--all of an app that never ran has nothing to do', async () => {
    await using app = await createApp();
    await app.succeed('stop', '--all');
    assert.deepEqual(app.processes(), []);
  });
});

onEachHost('restart', (createApp) => {
  it('of the active slot moves traffic to a new backend in the other slot first', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const old = pidOf(app, 'a');
    app.deploy('2');
    const run = await app.succeed('restart', 'a');
    assert.deepEqual(outcomeOf(run), { operation: 'restart', restarted: ['a'], active: 'b', ms: 0 });
    assert.equal(runs(old), false);
    assert.notEqual(app.pid('a'), old);
    assert.equal(await states(app), 'ready ready*');
    assert.equal((await app.get('/')).version, '2');
  });

  it('of the active slot uses the other backend as it is when that is ready', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    const kept = pidOf(app, 'b');
    await app.succeed('restart', 'a');
    assert.equal(app.pid('b'), kept);
    assert.equal(await states(app), 'ready ready*');
  });

  it('of an inactive slot leaves traffic alone', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    const [link, active, old] = [app.linkIdentity(), app.pid('a'), pidOf(app, 'b')];
    await app.succeed('restart', 'b');
    assert.equal(app.linkIdentity(), link);
    assert.equal(app.pid('a'), active);
    assert.notEqual(app.pid('b'), old);
  });

  it('of a stopped slot just starts it', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp();
    await app.succeed('start');
    const run = await app.succeed('restart', '--inactive');
    assert.deepEqual(outcomeOf(run), { operation: 'restart', restarted: ['b'], active: 'a', ms: 0 });
    assert.equal(await states(app), 'ready* ready');
  });

  it('--all renews both, the inactive one first, and no request fails', async () => {
    await using app = await createApp({ env: { APP_ON_SIGTERM: 'exit' } });
    await app.succeed('start', '--all');
    const old = [pidOf(app, 'a'), pidOf(app, 'b')];
    let goesOn = true;
    const failures: unknown[] = [];
    const client = (async () => {
      while (goesOn) await app.get('/').catch((error: unknown) => failures.push(error));
    })();
    const run = await app.succeed('restart', '--all');
    goesOn = false;
    await client;
    assert.deepEqual(failures, []);
    assert.deepEqual(run.outcome?.operation === 'restart' && run.outcome.restarted, ['b', 'a']);
    assert.deepEqual(old.filter(runs), []);
    assert.equal(await states(app), 'ready ready*');
  });

  it('to a version that does not start leaves the active one serving', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const before = app.linkIdentity();
    app.deploy('2', { APP_BROKEN: 'exits' });
    assertExit(await app.graceful('restart', 'a'), 1);
    assert.equal(app.linkIdentity(), before);
    assert.equal((await app.get('/')).version, '1');
  });
});

onEachHost('switch', (createApp) => {
  it('with no name goes to the other slot, and back', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    const there = await app.succeed('switch');
    assert.deepEqual(outcomeOf(there), { operation: 'switch', from: 'a', to: 'b', changed: true, ms: 0 });
    assert.equal(app.active(), 'b');
    await app.succeed('switch');
    assert.equal(app.active(), 'a');
  });

  it('to the active slot changes nothing and exits 0', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const before = app.linkIdentity();
    const run = await app.succeed('switch', 'a');
    assert.equal(run.outcome?.operation === 'switch' && run.outcome.changed, false);
    assert.equal(app.linkIdentity(), before);
  });

  it('to a slot that is stopped is refused with exit code 1', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const before = app.linkIdentity();
    for (const args of [['switch'], ['switch', 'b']]) {
      const run = await app.graceful(...args);
      assertExit(run, 1);
      assert.deepEqual(failureOf(run, 'slot-not-ready').details, {
        slot: 'b',
        state: 'stopped',
        detail: 'nothing is running there',
      });
    }
    assert.equal(app.linkIdentity(), before);
  });

  it('to a slot that is not ready is refused with exit code 1', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    await app.post('/fail-health', app.socket('b'));
    const run = await app.graceful('switch', 'b');
    assertExit(run, 1);
    assert.deepEqual(failureOf(run, 'slot-not-ready').details, { slot: 'b', state: 'unready', detail: 'HTTP 503' });
    assert.equal(app.active(), 'a');
  });

  it('with nothing running exits 3', async () => {
    await using app = await createApp();
    const run = await app.graceful('switch');
    assertExit(run, 3);
    failureOf(run, 'not-serving');
  });
});
