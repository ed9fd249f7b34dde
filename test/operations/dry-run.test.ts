// What `update --dry-run` promises: it says what an update would do, and changes nothing at all.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { Outcomes } from '../../src/core/outcome.ts';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { type HostedApp, onEachHost } from '../rig/hosts.ts';
import { assertExit, failureOf, NODE_APP, type Run } from '../rig/test-app.ts';

/** Every file of a directory: what it is, when it was changed, what is in it. */
function everythingIn(dir: string): unknown {
  return readdirSync(dir)
    .sort()
    .map((file) => {
      const path = join(dir, file);
      const { ino, mode, size, mtimeMs, ctimeMs } = lstatSync(path);
      const kind = lstatSync(path);
      const content = kind.isSymbolicLink() ? readlinkSync(path) : kind.isFile() ? readFileSync(path, 'utf8') : null;
      return { file, ino, mode, size, mtimeMs, ctimeMs, content };
    });
}

const look = (app: HostedApp): unknown => ({
  files: everythingIn(app.stateDir),
  dir: lstatSync(app.stateDir).mtimeMs,
  processes: app.processes(),
});

function planOf(run: Run): Outcomes['plan'] {
  assertExit(run, 0);
  assert.ok(run.outcome?.operation === 'plan', run.stdout);
  return run.outcome;
}

onEachHost('update --dry-run', (createApp) => {
  it('changes nothing: no file of the state dir, no process, no time of anything', async () => {
    await using app = await createApp({
      config: { hooks: { beforeStart: ['touch', 'hooked'], afterFailure: ['touch', 'hooked'] } },
    });
    await app.succeed('update');
    await app.succeed('update');
    execFileSync('rm', ['-f', join(app.dir, 'hooked')]);
    app.deploy('2', { NEW: 'x' });
    const before = look(app);
    planOf(await app.graceful('update', '--dry-run'));
    assert.deepEqual(look(app), before);
    // What would fail is told, and still leaves no trace: no hook, no line in the history.
    app.configure({ command: ['./missing'] });
    const failed = await app.graceful('update', '--dry-run');
    assertExit(failed, 1);
    failureOf(failed, 'not-executable');
    assert.deepEqual(look(app), before);
    assert.equal(existsSync(join(app.dir, 'hooked')), false);
  });

  it('says which slot, what would be stopped there, and from where the new version would be started', async () => {
    await using app = await createApp({ config: { hooks: { beforeStart: ['true'] } } });
    await app.succeed('update');
    const first = planOf(await app.graceful('update', '--dry-run'));
    assert.deepEqual([first.from, first.to, first.stop, first.hooks], ['a', 'b', null, ['beforeStart']]);
    await app.succeed('update');
    const plan = planOf(await app.graceful('update', '--dry-run', '--stop-old', '--watch', '30s'));
    assert.deepEqual([plan.from, plan.to, plan.stopOld, plan.watchMs], ['b', 'a', true, 30_000]);
    assert.deepEqual(
      [plan.stop?.slot, plan.stop?.pid, plan.stop?.connections],
      ['a', app.pid('a'), { accepted: 0, queued: 0 }],
    );
    assert.deepEqual([plan.cwd, plan.command], [app.dir, [process.execPath, NODE_APP]]);
    assert.deepEqual(plan.changes, {
      slot: 'b',
      cwd: false,
      release: false,
      command: false,
      environment: { added: [], changed: [], removed: [] },
    });
  });

  it('says by name what would change in the environment, and never a value', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({ env: { GONE: 'secret-1', KEPT: 'secret-2', OTHER: 'secret-3' } });
    await app.succeed('update');
    app.configure({
      command: [process.execPath, NODE_APP, '--more'],
      env: {
        APP_VERSION_FILE: join(app.dir, 'version'),
        GONE: null,
        KEPT: 'secret-2',
        OTHER: 'secret-4',
        NEW: 'secret-5',
      },
    });
    const run = await app.graceful('update', '--dry-run');
    const { changes } = planOf(run);
    assert.deepEqual(changes?.environment, { added: ['NEW'], changed: ['OTHER'], removed: ['GONE'] });
    assert.equal(changes.command, true);
    const plain = await app.plain('update', '--dry-run');
    assert.match(
      plain.stdout,
      /environment, added: NEW\n.*environment, changed: OTHER\n.*environment, removed: GONE\n/,
    );
    assert.match(plain.stdout, /another command line/);
    assert.match(plain.stdout, /Nothing was done\.\n$/);
    assert.doesNotMatch(run.stdout + run.stderr + plain.stdout + plain.stderr, /secret/);
  });

  it('neither waits for another operation nor fails because of it, and says which one it is', async () => {
    await using app = await createApp();
    await app.succeed('update');
    // A backend that takes its time: the update that waits for it holds the lock.
    app.configure({ env: { APP_VERSION_FILE: join(app.dir, 'version'), APP_START_DELAY_MS: '60000' } });
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('backend-started');
    const plan = planOf(await app.graceful('update', '--dry-run'));
    assert.deepEqual([plan.busy?.operation, plan.busy?.pid], ['update', app.managerOf(update)]);
    update.process.kill('SIGTERM');
    await update.finished;
  });

  it('says that the healthy slot would get the traffic first, when the active one is not', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp();
    await app.succeed('update');
    await app.succeed('update');
    await app.post('/fail-health');
    const plan = planOf(await app.graceful('update', '--dry-run'));
    assert.deepEqual([plan.switchFirst, plan.from, plan.to, plan.stop?.slot], ['a', 'a', 'b', 'b']);
    assert.equal(app.active(), 'b');
  });

  it('of an app that was taken down says so, and leaves it down', async () => {
    await using app = await createApp();
    await app.succeed('update');
    await app.succeed('stop', '--all');
    const before = look(app);
    const plan = planOf(await app.graceful('update', '--dry-run'));
    assert.deepEqual([plan.desired, plan.from, plan.to, plan.changes], ['down', null, 'a', null]);
    assert.deepEqual(look(app), before);
  });

  it('finds beforehand what an update would be refused for', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp();
    await app.succeed('update');
    writeFileSync(app.socket('b'), 'not a socket');
    failureOf(await app.graceful('update', '--dry-run'), 'socket-in-use');
    mkdirSync(join(app.dir, 'away'));
    app.configure({ cwd: 'nowhere' });
    failureOf(await app.graceful('update', '--dry-run'), 'not-executable');
    app.configure({ cwd: '.', comand: 'x' });
    assertExit(await app.graceful('update', '--dry-run'), 2);
  });
});
