// What `update --watch` promises: a new version that fails soon after the switch does not stay.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { type HostedApp, onEachHost } from '../rig/hosts.ts';
import { runs } from '../rig/processes.ts';
import { assertExit, createTestApp, eventsOf, failureOf, type RunningCommand } from '../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

const stampOf = (event: unknown): number => Date.parse((event as { at: string }).at);

const isWatching = (event: { readonly for: string }): boolean => event.for === 'watch';

/** Version 1 serves from a, and version 2 from b, which is being watched. */
async function watched(app: Pick<HostedApp, 'succeed' | 'deploy' | 'spawnGraceful'>, ...flags: readonly string[]) {
  await app.succeed('update');
  app.deploy('2');
  const update = app.spawnGraceful(['update', '--json', ...(flags.length > 0 ? flags : ['--watch', '60s'])]);
  await update.event('waiting', isWatching);
  return update;
}

onEachHost('update --watch', (createApp) => {
  it('ends well after the time given when the new version stays healthy; the old one stays warm', async () => {
    await using app = await createApp();
    const update = await watched(app, '--watch', '1s');
    const run = await update.finished;
    assertExit(run, 0);
    assert.ok(run.outcome?.operation === 'update' && run.outcome.watched === 'passed' && run.outcome.ms >= 1_000);
    assert.equal((await app.get('/')).version, '2');
    assert.equal(runs(app.pid('a') ?? 0), true);
    // Nobody watches any more: it is like any other that is inactive.
    const stopped = await app.succeed('stop', '--inactive');
    assert.deepEqual(stopped.outcome?.operation === 'stop' && stopped.outcome.stopped, ['a']);
  });

  it('goes back when the new version dies, and keeps the reason', async () => {
    await using app = await createApp();
    const update = await watched(app);
    const old = app.pid('a');
    process.kill(app.pid('b') as number, 'SIGKILL');
    const run = await update.finished;
    assertExit(run, 1);
    const { details } = failureOf(run, 'rolled-back');
    assert.deepEqual([details.slot, details.to, details.reason], ['b', 'a', 'died']);
    assert.equal(app.active(), 'a');
    assert.equal((await app.get('/')).version, '1');
    assert.deepEqual(app.processes(), [old]);
  });

  it('goes back when the new version fails its check `failures` times in a row, and drains it before it is stopped', async () => {
    await using app = await createApp({ config: { health: { ...HTTP, failures: 4 } } });
    const update = await watched(app);
    const bad = app.pid('b') as number;
    const slow = app.get('/slow');
    await app.post('/fail-health');
    const run = await update.finished;
    assertExit(run, 1);
    const { details } = failureOf(run, 'rolled-back');
    assert.deepEqual([details.reason, details.detail], ['failed its health check 4 times', 'HTTP 503']);
    assert.equal(eventsOf(run, 'health-failed').length, 4);
    assert.deepEqual([(await slow).status, (await slow).version], [200, '2']);
    assert.equal((await app.get('/')).version, '1');
    assert.equal(runs(bad), false);
    assert.equal(existsSync(app.socket('b')), false);
  });

  it('shows the last lines of the log of a version that died, in words for a tired person', async () => {
    await using app = await createApp();
    await app.succeed('update');
    app.deploy('2');
    const update = app.spawnGraceful(['update', '--watch', '60s']);
    let said = '';
    update.process.stderr?.on('data', (text: string) => {
      said += text;
    });
    await until('it says that it watches', () => /watching the new version/.test(said));
    process.kill(app.pid('b') as number, 'SIGKILL');
    const { code, stderr } = await update.finished;
    assert.equal(code, 1);
    assert.match(stderr, /b: the new version died .* after the switch, and traffic went back to a/);
    assert.match(stderr, /app-b\.log/);
    assert.match(stderr, /a serves as before/);
  });

  it('lets keepalive and stop --inactive work meanwhile, and neither takes the way back', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp();
    const update = await watched(app);
    const old = app.pid('a');
    const [keepalive, stop] = await Promise.all([app.succeed('keepalive'), app.succeed('stop', '--inactive')]);
    assert.equal(keepalive.outcome?.operation === 'keepalive' && keepalive.outcome.action, 'none');
    assert.ok(stop.outcome?.operation === 'stop');
    assert.deepEqual(stop.outcome.stopped, []);
    assert.match(stop.outcome.kept[0]?.reason ?? '', /watches the new version/);
    await app.post('/fail-health');
    failureOf(await update.finished, 'rolled-back');
    assert.deepEqual(app.processes(), [old]);
  });

  it('is superseded by a second update, whose version stays', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp();
    const update = await watched(app);
    app.deploy('3');
    await app.succeed('update', '--stop-old');
    const run = await update.finished;
    assertExit(run, 1);
    failureOf(run, 'superseded');
    assert.equal((await app.get('/')).version, '3');
    assert.deepEqual(app.processes(), [app.pid('a')]);
  });

  it('is superseded by a rollback, and by taking the app down', { skip: SKIP_IN_SHORT }, async () => {
    for (const [command, left] of [
      [['rollback'], 2],
      [['stop', '--all'], 0],
    ] as const) {
      await using app = await createApp();
      const update = await watched(app);
      await app.succeed(...command);
      failureOf(await update.finished, 'superseded');
      assert.equal(app.active(), left === 0 ? null : 'a');
      assert.equal(app.processes().length, left);
    }
  });

  it('cannot go back to what is not ready: exit 3, and traffic stays with the new version', async () => {
    await using app = await createApp();
    const update = await watched(app);
    await app.post('/fail-health', app.socket('a'));
    await app.post('/fail-health');
    const run = await update.finished;
    assertExit(run, 3);
    assert.match(failureOf(run, 'not-serving').message, /slot a is not ready to go back to/);
    assert.equal(app.active(), 'b');
  });

  it('tells of Ctrl-C that the switch stands, and ends with success', async () => {
    await using app = await createApp();
    const update = await watched(app, '--watch', '60s', '--stop-old');
    update.process.kill('SIGINT');
    const run = await update.finished;
    assertExit(run, 0);
    assert.match(eventsOf(run, 'abort-refused')[0]?.reason ?? '', /stands; `graceful rollback` goes back/);
    assert.ok(run.outcome?.operation === 'update' && run.outcome.watched === 'cut-short');
    // Nobody knows yet whether it is needed.
    assert.equal(run.outcome.stoppedOld, false);
    assert.equal(app.active(), 'b');
    // From now on it is like any other: nobody goes back to it by himself.
    await app.succeed('stop', '--inactive');
    assert.equal(app.pid('a'), null);
  });

  it('--stop-old stops the old version only after the watch', async () => {
    await using app = await createApp();
    const update = await watched(app, '--watch', '700ms', '--stop-old');
    const run = await update.finished;
    assert.ok(run.outcome?.operation === 'update' && run.outcome.stoppedOld && run.outcome.watched === 'passed');
    const [watching, stopped] = [eventsOf(run, 'waiting').find(isWatching), eventsOf(run, 'backend-signalled')[0]];
    assert.equal(stopped?.slot, 'a');
    assert.ok(stampOf(stopped) - stampOf(watching) >= 690, run.stdout);
    assert.equal(app.pid('a'), null);
  });
});

const HTTP = { type: 'http', path: '/healthz', interval: '20ms', timeout: '2s' };

describe('while an update watches', { concurrency: true }, () => {
  /** The active backend dies while the old one is not ready, and the watcher has not seen it yet. */
  async function outage(app: HostedApp | Awaited<ReturnType<typeof createTestApp>>): Promise<RunningCommand> {
    const update = await watched(app);
    update.process.kill('SIGSTOP');
    await app.post('/fail-health', app.socket('a'));
    const pid = app.pid('b') as number;
    process.kill(pid, 'SIGKILL');
    await until('it has gone', () => !runs(pid));
    return update;
  }

  it('keepalive does not replace the old version, although that is not ready at the moment', async () => {
    await using app = await createTestApp();
    const update = await outage(app);
    const old = app.pid('a') as number;
    const run = await app.succeed('keepalive');
    assert.ok(run.outcome?.operation === 'keepalive' && run.outcome.action === 'busy');
    assert.match(run.outcome.reason, /slot a is not ready to go back to yet/);
    assert.equal(runs(old), true);
    update.process.kill('SIGCONT');
    assertExit(await update.finished, 3);
    // The watch is over: keepalive is free to do what it can.
    await app.succeed('keepalive');
    assert.equal((await app.get('/')).version, '2');
  });

  it('and is killed, keepalive heals as ever', async () => {
    await using app = await createTestApp();
    const update = await outage(app);
    update.process.kill('SIGKILL');
    await update.finished;
    await app.succeed('keepalive');
    assert.equal((await app.get('/')).version, '2');
  });

  it('a supervisor that hands over does not wait for the end of it', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
    await using supervisor = await supervise(app);
    app.deploy('2');
    const update = app.spawnGraceful(['update', '--json', '--watch', '10m']);
    await update.event('waiting', isWatching);
    process.kill(supervisor.pid, 'SIGUSR2');
    const run = await update.finished;
    assertExit(run, 0);
    assert.ok(run.outcome?.operation === 'update' && run.outcome.watched === 'cut-short');
    assert.equal((await app.get('/')).version, '2');
  });
});
