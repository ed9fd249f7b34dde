// What `rollback` promises: the version before, at once while it is warm, and otherwise the reason why not.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { type HostedApp, onEachHost } from '../rig/hosts.ts';
import { runs } from '../rig/processes.ts';
import { assertExit, eventsOf, failureOf, type TestAppOptions } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

/** An app whose `current` leads to release directories. */
const RELEASES: TestAppOptions = { config: { cwd: 'current' }, env: { APP_VERSION_FILE: 'version' } };

function release({ dir }: HostedApp, version: string): string {
  const target = join(dir, 'releases', version);
  mkdirSync(target, { recursive: true });
  writeFileSync(join(target, 'version'), version);
  rmSync(join(dir, 'current'), { force: true });
  symlinkSync(target, join(dir, 'current'));
  return target;
}

async function updateTo(app: HostedApp, version: string): Promise<void> {
  app.deploy(version);
  await app.succeed('update');
}

onEachHost('rollback', (createApp) => {
  it('goes back to the version before at once while it is warm: nothing is started', async () => {
    await using app = await createApp();
    await updateTo(app, '1');
    const old = app.pid('a');
    await updateTo(app, '2');
    const run = await app.succeed('rollback');
    assert.deepEqual(
      { ...run.outcome, ms: 0, cwd: '' },
      { operation: 'rollback', from: 'b', to: 'a', cwd: '', release: null, how: 'switched', ms: 0 },
    );
    assert.deepEqual(eventsOf(run, 'backend-started'), []);
    assert.equal((await app.get('/')).version, '1');
    assert.equal(app.pid('a'), old);
    // The one that was gone back from stays: `switch` goes forward again.
    assert.equal(runs(app.pid('b') ?? 0), true);
  });

  it('never goes forward: a second rollback is refused, and traffic stays where it is', async () => {
    await using app = await createApp();
    await updateTo(app, '1');
    await updateTo(app, '2');
    await app.succeed('rollback');
    const link = app.linkIdentity();
    const run = await app.graceful('rollback');
    assertExit(run, 1);
    assert.equal(failureOf(run, 'cannot-roll-back').details.why, 'none-before');
    assert.equal(app.linkIdentity(), link);
  });

  it('after a rollback and a new update, goes back to what served before that update', async () => {
    await using app = await createApp();
    await updateTo(app, '1');
    await updateTo(app, 'bad');
    await app.succeed('rollback');
    await updateTo(app, '2');
    await app.succeed('rollback');
    assert.equal((await app.get('/')).version, '1');
  });

  it('says when and by whom the version before was stopped, where its code is, and what would work', async () => {
    await using app = await createApp();
    await updateTo(app, '1');
    await updateTo(app, '2');
    await app.succeed('stop', '--inactive');
    const link = app.linkIdentity();
    const run = await app.graceful('rollback');
    assertExit(run, 1);
    const { details } = failureOf(run, 'cannot-roll-back');
    assert.equal(details.why, 'stopped');
    assert.ok(Math.abs(Date.now() - Date.parse(details.detail)) < 60_000, details.detail);
    assert.equal(details.before?.stoppedBy, 'stop');
    assert.equal(details.before?.directory, 'same');
    assert.equal(app.linkIdentity(), link);
    const { stderr } = await app.plain('rollback');
    assert.match(stderr, /the version before was stopped by stop at 2/);
    assert.match(stderr, /the new version is there now/);
    assert.match(stderr, /then `graceful update` puts it into service/);
  });

  it('says that the version before died, or that it runs and is not ready', async () => {
    await using app = await createApp();
    await updateTo(app, '1');
    await updateTo(app, '2');
    await app.post('/fail-health', app.socket('a'));
    const unready = failureOf(await app.graceful('rollback'), 'cannot-roll-back');
    assert.deepEqual([unready.details.why, unready.details.detail], ['unready', 'HTTP 503']);
    const pid = app.pid('a') as number;
    process.kill(pid, 'SIGKILL');
    await until('it has gone', () => !runs(pid));
    const dead = failureOf(await app.graceful('rollback'), 'cannot-roll-back');
    assert.equal(dead.details.why, 'died');
    assert.equal((await app.get('/')).version, '2');
  });

  it('starts a version that was stopped again from its own release directory', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp(RELEASES);
    const first = release(app, '1');
    await app.succeed('update');
    release(app, '2');
    await app.succeed('update', '--stop-old');
    const run = await app.succeed('rollback');
    assert.deepEqual(
      { ...run.outcome, ms: 0 },
      { operation: 'rollback', from: 'b', to: 'a', cwd: first, release: '1', how: 'started', ms: 0 },
    );
    assert.equal((await app.get('/')).version, '1');
    assert.equal((await app.status()).slots[0]?.cwd, first);
  });

  it('goes back more than one version over release directories, and no further than the first', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp(RELEASES);
    for (const version of ['1', '2', '3']) {
      release(app, version);
      await app.succeed('update');
    }
    for (const version of ['2', '1']) {
      await app.succeed('rollback');
      assert.equal((await app.get('/')).version, version);
    }
    assertExit(await app.graceful('rollback'), 1);
    assert.equal((await app.get('/')).version, '1');
  });

  it('does not start what is certainly not the version before: its directory has gone, or was given to a later one', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp(RELEASES);
    const first = release(app, '1');
    await app.succeed('update');
    release(app, '2');
    await app.succeed('update', '--stop-old');
    rmSync(first, { recursive: true });
    const gone = failureOf(await app.graceful('rollback'), 'cannot-roll-back');
    assert.equal(gone.details.before?.directory, 'gone');

    // Directories used by turns: 2, 3, and 2 again for other code.
    release(app, '3');
    await app.succeed('update', '--stop-old');
    writeFileSync(join(release(app, '2'), 'version'), '4');
    await app.succeed('update');
    await app.succeed('rollback');
    const same = failureOf(await app.graceful('rollback'), 'cannot-roll-back');
    assert.deepEqual([same.details.before?.release, same.details.before?.directory], ['2', 'same']);
    assert.equal((await app.get('/')).version, '3');
  });

  it('leaves traffic where it is when the version before does not come up again', async () => {
    await using app = await createApp(RELEASES);
    const first = release(app, '1');
    await app.succeed('update');
    release(app, '2');
    await app.succeed('update', '--stop-old');
    rmSync(join(first, 'version'));
    const link = app.linkIdentity();
    const run = await app.graceful('rollback');
    assertExit(run, 1);
    failureOf(run, 'backend-exited');
    assert.equal(app.linkIdentity(), link);
    assert.equal((await app.get('/')).version, '2');
  });

  it('is refused while nothing serves: an app that was taken down stays down', async () => {
    await using app = await createApp();
    assert.equal(failureOf(await app.graceful('rollback'), 'cannot-roll-back').details.why, 'nothing-serves');
    await updateTo(app, '1');
    await updateTo(app, '2');
    await app.succeed('stop', '--all');
    assert.equal(failureOf(await app.graceful('rollback'), 'cannot-roll-back').details.why, 'nothing-serves');
    assert.deepEqual(app.processes(), []);
  });
});
