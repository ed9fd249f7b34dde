// `release: git`: each commit that is deployed runs from a worktree of its own.
import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { assertExit, createTestApp, eventsOf, failureOf, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';
import { commit, git, page } from './site.ts';

async function createGitApp(release: object = {}): Promise<TestApp> {
  const app = await createTestApp({
    config: { command: [process.execPath, 'server.mjs'], release: { type: 'git', ...release } },
  });
  git(app.dir, 'init', '-q');
  commit(app.dir, 'v1');
  return app;
}

const worktrees = (app: TestApp): readonly string[] => readdirSync(join(app.dir, 'releases')).sort();

describe('release: git', { concurrency: 3 }, () => {
  it('each update runs from a worktree of its commit, and the old version keeps its files', async () => {
    await using app = await createGitApp();
    const first = await app.succeed('update');
    assert.equal(eventsOf(first, 'release-prepared').length, 1);
    const second = commit(app.dir, 'v2');
    await app.succeed('update');
    assert.equal(await page(app.socket('a'), '/late'), '200 late of v1');
    assert.equal(await page(app.link, '/late'), '200 late of v2');
    const { cwd, release } = (await app.status()).slots[1] ?? assert.fail();
    assert.deepEqual([cwd, release], [join(app.dir, 'releases', second), second.slice(0, 8)]);
  });

  it('--release names a commit, and a second update of the same commit uses the same worktree', async () => {
    await using app = await createGitApp();
    const first = git(app.dir, 'rev-parse', 'HEAD').slice(0, 12);
    commit(app.dir, 'v2');
    await app.succeed('update');
    await app.succeed('update', '--release', 'HEAD~1');
    const run = await app.succeed('update', '--release', first);
    assert.deepEqual(eventsOf(run, 'release-prepared'), []);
    assert.equal(await page(app.link, '/late'), '200 late of v1');
    assert.equal(worktrees(app).length, 2);
    for (const ref of ['no-such-branch', '--all']) {
      const refused = await app.graceful('update', `--release=${ref}`);
      assertExit(refused, 1);
      assert.ok(failureOf(refused, 'release-failed').details.command.includes(ref));
    }
  });

  it('prepare runs in the fresh worktree, once; when it fails, its output is shown and nothing is left', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createGitApp({ prepare: ['sh', '-c', 'pwd >> built; echo installed'] });
    await app.succeed('update');
    await app.succeed('update');
    assert.equal(existsSync(join((await app.status()).slots[0]?.cwd ?? '', 'built')), true);
    const before = worktrees(app);
    commit(app.dir, 'v2');
    app.configure({ release: { type: 'git', prepare: ['sh', '-c', 'echo no such package; exit 7'] } });
    const link = app.linkIdentity();
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.deepEqual(failureOf(run, 'release-failed').details.output, ['no such package']);
    assert.deepEqual([worktrees(app), app.linkIdentity()], [before, link]);
  });

  it('the last `keep` stay, and so does what a slot runs from or could be rolled back to', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createGitApp({ keep: 2 });
    await app.succeed('update');
    for (const version of ['v2', 'v3', 'v4']) {
      commit(app.dir, version);
      await app.succeed('update');
    }
    assert.equal(worktrees(app).length, 2);
    await app.succeed('stop', '--inactive');
    await app.succeed('rollback');
    assert.equal(await page(app.link, '/late'), '200 late of v3');
  });

  it('one that a killed graceful left half made is made anew, and its prepare is ended first', async () => {
    await using app = await createGitApp();
    const gate = makeFifo(join(app.dir, 'gate'));
    app.configure({ release: { type: 'git', prepare: gate.waitForIt } });
    const update = app.spawnGraceful(['update', '--json']);
    await until('it is being prepared', () => gate.isWaitedFor());
    update.process.kill('SIGKILL');
    await update.finished;
    app.configure({ release: { type: 'git', prepare: ['touch', 'prepared'] } });
    await app.succeed('update');
    assert.ok(existsSync(join((await app.status()).slots[0]?.cwd ?? '', 'prepared')));
    assert.equal(existsSync(app.file('app.prepare.json')), false);
    assert.equal(worktrees(app).length, 1);
  });

  it('keepalive does its work while a release is being prepared: the lock is not held', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createGitApp();
    await app.succeed('update');
    commit(app.dir, 'v2');
    const gate = makeFifo(join(app.dir, 'gate'));
    app.configure({ release: { type: 'git', prepare: gate.waitForIt } });
    const update = app.spawnGraceful(['update', '--json']);
    await until('it is being prepared', () => gate.isWaitedFor());
    process.kill(app.pid('a') ?? assert.fail(), 'SIGKILL');
    await app.succeed('keepalive');
    assert.equal(await page(app.link, '/late'), '200 late of v1');
    gate.release();
    assertExit(await update.finished, 0);
    assert.equal(await page(app.link, '/late'), '200 late of v2');
  });

  it('a Ctrl-C while a release is prepared leaves nothing', async () => {
    await using app = await createGitApp();
    const gate = makeFifo(join(app.dir, 'gate'));
    app.configure({ release: { type: 'git', prepare: gate.waitForIt } });
    const update = app.spawnGraceful(['update', '--json']);
    await until('it is being prepared', () => gate.isWaitedFor());
    update.process.kill('SIGINT');
    const run = await update.finished;
    assertExit(run, 1);
    assert.equal(failureOf(run, 'aborted').details.by, 'Ctrl-C');
    assert.deepEqual(worktrees(app), []);
  });

  it('two updates at the same time do not get in each other’s way', async () => {
    await using app = await createGitApp({ prepare: ['sh', '-c', 'test ! -e built && echo > built'] });
    const runs = await Promise.all([app.graceful('update'), app.graceful('update')]);
    for (const run of runs) assertExit(run, 0);
    assert.equal(worktrees(app).length, 1);
  });

  it('without a checkout it is said what git said', async () => {
    await using app = await createTestApp({ config: { release: 'git' } });
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.match(failureOf(run, 'release-failed').details.reason, /not a git repository/);
  });
});
