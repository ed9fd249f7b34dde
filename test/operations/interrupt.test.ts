// Ctrl-C, SIGTERM and a lost terminal in the middle of an operation.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { onEachHost } from '../rig/hosts.ts';
import { runs } from '../rig/processes.ts';
import { assertExit, createTestApp, eventsOf, failureOf, NODE_APP } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';
import { openWebSocket } from '../rig/web-socket.ts';

onEachHost('an interrupt', (createApp) => {
  for (const [signal, by] of [
    ['SIGINT', 'Ctrl-C'],
    ['SIGTERM', 'SIGTERM'],
  ] as const)
    it(`${signal} before the switch undoes the update and says so`, async () => {
      await using app = await createApp();
      await app.succeed('update');
      const before = { link: app.linkIdentity(), processes: app.processes() };
      app.deploy('2', { APP_BROKEN: 'never-listens' });
      const update = app.spawnGraceful(['update', '--json']);
      await update.event('waiting', (event) => event.for === 'ready');
      update.process.kill(signal);
      const run = await update.finished;
      assertExit(run, 1);
      assert.equal(failureOf(run, 'aborted').details.by, by);
      assert.equal(eventsOf(run, 'abort-requested').length, 1);
      assert.equal(eventsOf(run, 'undone')[0]?.slot, 'b');
      assert.equal(app.linkIdentity(), before.link);
      assert.deepEqual(app.processes(), before.processes);
      assert.equal(app.pid('b'), null);
    });

  it('Ctrl-C says on the screen that everything was undone', async () => {
    await using app = await createApp({ env: { APP_BROKEN: 'never-listens' } });
    const update = app.spawnGraceful(['update']);
    let said = '';
    update.process.stderr?.on('data', (text: string) => {
      said += text;
    });
    await until('it waits', () => /waiting for health/.test(said));
    // Once: a second one ends the command at once.
    update.process.kill('SIGINT');
    const run = await update.finished;
    assertExit(run, 1);
    assert.match(run.stderr, /aborted by Ctrl-C[\s\S]*Traffic is where it was/);
    assert.deepEqual(app.processes(), []);
  });

  it('Ctrl-C during the beforeStart hook ends the hook with all its children, and starts nothing', async () => {
    await using app = await createApp();
    const started = join(app.dir, 'hook-started');
    app.configure({ hooks: { beforeStart: ['sh', '-c', 'sleep 1000 & touch "$0"; wait', started] } });
    const update = app.spawnGraceful(['update', '--json']);
    await until('the hook runs', () => existsSync(started));
    update.process.kill('SIGINT');
    const run = await update.finished;
    assertExit(run, 1);
    failureOf(run, 'aborted');
    assert.equal(eventsOf(run, 'backend-started').length, 0);
    assert.deepEqual(app.processes(), []);
  });

  it('Ctrl-C while connections of the inactive slot drain leaves both backends as they are', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { drainTimeout: '60s' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    await app.succeed('update');
    const before = app.processes();
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('waiting', (event) => event.for === 'drain');
    update.process.kill('SIGINT');
    const run = await update.finished;
    assertExit(run, 1);
    failureOf(run, 'aborted');
    assert.deepEqual(app.processes(), before);
    assert.equal(await client.echo('still here'), 'still here');
    client.close();
  });

  it('Ctrl-C while `stop --all` drains: the app serves again and is wanted up', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({ config: { drainTimeout: '60s' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    const stop = app.spawnGraceful(['stop', '--all', '--json']);
    await stop.event('waiting', (event) => event.for === 'drain');
    assert.equal(existsSync(app.link), false);
    stop.process.kill('SIGINT');
    const run = await stop.finished;
    assertExit(run, 1);
    assert.equal((await app.get('/')).status, 200);
    assert.equal((await app.status()).desired, 'up');
    client.close();
  });

  it('Ctrl-C while `stop --all` drains, and what had the traffic is stopped: exit code 3, for nothing serves', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { drainTimeout: '60s' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    await app.succeed('update');
    const stop = app.spawnGraceful(['stop', '--all', '--json']);
    await stop.event('backend-stopped', ({ slot }) => slot === 'b');
    stop.process.kill('SIGINT');
    const run = await stop.finished;
    assertExit(run, 3);
    assert.match(failureOf(run, 'not-serving').details.reason, /^slot b had been stopped before/);
    client.close();
    await app.succeed('start');
  });

  it('after the switch it is too late for Ctrl-C: it says so, and the update completes', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const fifo = makeFifo(join(app.dir, 'fifo'));
    app.configure({ hooks: { afterSwitch: fifo.waitForIt } });
    app.deploy('2');
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('switch-verified');
    update.process.kill('SIGINT');
    const refused = await update.event('abort-refused');
    assert.match(refused.reason, /already been switched/);
    fifo.release();
    const run = await update.finished;
    assertExit(run, 0);
    assert.equal(run.outcome?.operation === 'update' && run.outcome.to, 'b');
    assert.equal(eventsOf(run, 'hook-succeeded').length, 1);
    assert.equal((await app.get('/')).version, '2');
  });

  for (const command of [
    ['restart', 'a'],
    ['stop', 'a'],
  ])
    it(`Ctrl-C while \`${command.join(' ')}\` drains what it has led the traffic away from: both backends stay`, async () => {
      await using app = await createApp({ config: { drainTimeout: '60s' } });
      await app.succeed('start', '--all');
      const client = await openWebSocket({ socketPath: app.link });
      const before = app.processes();
      const draining = app.spawnGraceful([...command, '--json']);
      await draining.event('waiting', (event) => event.for === 'drain');
      draining.process.kill('SIGINT');
      const run = await draining.finished;
      assertExit(run, 1);
      assert.deepEqual(failureOf(run, 'aborted').details, { by: 'Ctrl-C', movedTo: 'b' });
      assert.equal(eventsOf(run, 'abort-refused').length, 1);
      assert.deepEqual([app.active(), app.processes()], ['b', before]);
      assert.equal(await client.echo('still here'), 'still here');
      client.close();
    });

  it('Ctrl-C while `stop a --force` drains: the app serves again and is wanted up', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { drainTimeout: '60s' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    const stop = app.spawnGraceful(['stop', 'a', '--force', '--json']);
    await stop.event('waiting', (event) => event.for === 'drain');
    assert.equal(existsSync(app.link), false);
    stop.process.kill('SIGINT');
    const run = await stop.finished;
    assertExit(run, 1);
    assert.deepEqual(failureOf(run, 'aborted').details, { by: 'Ctrl-C' });
    assert.equal((await app.get('/')).status, 200);
    assert.equal((await app.status()).desired, 'up');
    client.close();
  });

  it('Ctrl-C while `stop a b --force` drains the second: what had the traffic is stopped, exit code 3, for nothing serves', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { drainTimeout: '60s' } });
    await app.succeed('start', '--all');
    const client = await openWebSocket({ socketPath: app.socket('b') });
    await app.post('/fail-health', app.socket('b'));
    const stop = app.spawnGraceful(['stop', 'a', 'b', '--force', '--json']);
    await stop.event('waiting', (event) => event.for === 'drain' && event.slot === 'b');
    stop.process.kill('SIGINT');
    const run = await stop.finished;
    assertExit(run, 3);
    assert.match(failureOf(run, 'not-serving').details.reason, /^slot a had been stopped before/);
    client.close();
    await app.succeed('start', 'a');
  });

  it('Ctrl-C while the switch is being checked, and it fails: the new version is not left running', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const before = app.processes();
    const go = join(app.dir, 'go');
    const check = `case {socket} in *app.socket) until test -e ${go}; do sleep 0.01; done; exit 1;; esac`;
    app.configure({ health: { type: 'exec', command: ['sh', '-c', check], interval: '20ms', timeout: '60s' } });
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('traffic-switched');
    update.process.kill('SIGINT');
    await update.event('abort-refused');
    writeFileSync(go, '');
    const run = await update.finished;
    assertExit(run, 1);
    failureOf(run, 'verify-failed');
    assert.equal(app.active(), 'a');
    assert.deepEqual(app.processes(), before);
  });

  it('Ctrl-C while `restart a` starts the new backend: that is undone, and the traffic stays where it was led', async () => {
    await using app = await createApp();
    await app.succeed('start', '--all');
    app.deploy('2', { APP_BROKEN: 'never-listens' });
    const restart = app.spawnGraceful(['restart', 'a', '--json']);
    await restart.event('waiting', (event) => event.for === 'ready');
    restart.process.kill('SIGINT');
    const run = await restart.finished;
    assertExit(run, 1);
    assert.equal(failureOf(run, 'aborted').details.movedTo, 'b');
    assert.equal(eventsOf(run, 'undone')[0]?.slot, 'a');
    assert.deepEqual([app.active(), app.processes()], ['b', [app.pid('b')]]);
    assert.equal((await app.get('/')).version, '1');
  });

  it('Ctrl-C while `update --stop-old` drains: the update stands, exit code 0, and the old version stays warm', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { drainTimeout: '60s' } });
    await app.succeed('update');
    const client = await openWebSocket({ socketPath: app.link });
    app.deploy('2');
    const update = app.spawnGraceful(['update', '--stop-old', '--json']);
    await update.event('waiting', (event) => event.for === 'drain');
    update.process.kill('SIGINT');
    const run = await update.finished;
    assertExit(run, 0);
    assert.equal(run.outcome?.operation === 'update' && run.outcome.stoppedOld, false);
    assert.match(eventsOf(run, 'warned')[0]?.detail ?? '', /aborted by Ctrl-C after traffic had moved to slot b/);
    assert.equal(await client.echo('still here'), 'still here');
    client.close();
  });

  it('SIGHUP does not end an update: a deploy goes on when its ssh connection is lost', async () => {
    await using app = await createApp();
    const go = join(app.dir, 'go');
    app.configure({ health: { type: 'exec', command: ['test', '-e', go], interval: '20ms' } });
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('waiting', (event) => event.for === 'ready');
    update.process.kill('SIGHUP');
    writeFileSync(go, '');
    const run = await update.finished;
    assertExit(run, 0);
    assert.equal(eventsOf(run, 'abort-requested').length, 0);
  });

  it('SIGHUP does not reach the backends: they live in sessions of their own', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const pid = app.pid('a') ?? assert.fail();
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
    assert.deepEqual([Number(fields[2]), Number(fields[3])], [pid, pid], 'process group and session');
  });
});

// One-shot only. A second Ctrl-C ends the process that runs the operation: of a supervisor it is only the client, and the operation goes on.
describe('an interrupt [one-shot]', { concurrency: 4, timeout: 600_000 }, () => {
  it('a second Ctrl-C ends the command at once, and the next update works', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    app.configure({ stopTimeout: '1h', env: {} });
    // Ignores the stop signal and never becomes ready: undoing it takes an hour.
    app.configure({ command: ['sh', '-c', 'trap "" TERM; while :; do sleep 1000; done'] });
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('waiting', (event) => event.for === 'ready');
    // The trap is set by now or never will be: it is the shell's first act, and it has read its go.
    const pid = app.pid('b') ?? assert.fail();
    await until('the backend ignores SIGTERM', () =>
      /^SigIgn:.*[4567cdef]...$/m.test(readFileSync(`/proc/${pid}/status`, 'utf8')),
    );
    update.process.kill('SIGINT');
    await update.event('backend-signalled');
    update.process.kill('SIGINT');
    const run = await update.finished;
    assert.equal(run.code, 130);
    assert.equal((await app.get('/')).version, '1');
    assert.ok(runs(pid), 'the half-started backend is still there');

    app.configure({ stopTimeout: '200ms', command: [process.execPath, NODE_APP] });
    app.deploy('2');
    const next = await app.succeed('update');
    assert.equal(
      eventsOf(next, 'waiting').some((event) => event.for === 'lock'),
      false,
    );
    assert.equal(runs(pid), false);
    assert.equal((await app.get('/')).version, '2');
    assert.deepEqual(new Set(app.processes()), new Set([app.pid('a'), app.pid('b')]));
  });
});
