// status: what is there now, in the documented shape, without waiting for anybody.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { assertExit, createTestApp } from '../rig/test-app.ts';
import { openWebSocket } from '../rig/web-socket.ts';

// One-shot only. Without a supervisor, `status` looks for itself; what it says with one: test/supervisor/control.test.ts.
describe('status', { concurrency: 4, timeout: 600_000 }, () => {
  it('--json has exactly the documented shape', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const report = await app.status();
    assert.deepEqual(Object.keys(report), [
      'name',
      'stateDir',
      'config',
      'desired',
      'active',
      'link',
      'supervisor',
      'lastUpdate',
      'slots',
    ]);
    const [a, b] = report.slots;
    assert.ok(a && b && a.startedAt !== null && a.health !== null && a.connections !== null);
    assert.ok(report.lastUpdate !== null);
    assert.deepEqual(
      { ...report, slots: [], lastUpdate: { ...report.lastUpdate, at: '' } },
      {
        name: 'app',
        stateDir: app.stateDir,
        config: join(app.dir, 'graceful.config.json'),
        desired: 'up',
        active: 'a',
        link: { path: app.link, target: 'app-a.socket' },
        supervisor: null,
        lastUpdate: { at: '', operation: 'update', result: 'done', code: null, reason: null },
        slots: [],
      },
    );
    const { uptimeMs, rssBytes, cpuMs, health, startedAt, ...certain } = a;
    assert.deepEqual(certain, {
      name: 'a',
      state: 'ready',
      active: true,
      pid: app.pid('a'),
      connections: { accepted: 0, queued: 0 },
      socket: app.socket('a'),
      cwd: app.dir,
      release: null,
      workers: [],
    });
    assert.equal(new Date(startedAt).toISOString(), startedAt);
    assert.ok(Math.abs(Date.now() - Date.parse(startedAt) - (uptimeMs ?? 0)) < 60_000);
    assert.ok((rssBytes ?? 0) > 10_000_000 && (cpuMs ?? 0) > 0);
    assert.deepEqual({ ...health, ms: 0 }, { ok: true, detail: 'HTTP 200', ms: 0 });
    assert.deepEqual(b, {
      name: 'b',
      state: 'stopped',
      active: false,
      pid: null,
      startedAt: null,
      uptimeMs: null,
      connections: null,
      rssBytes: null,
      cpuMs: null,
      socket: app.socket('b'),
      cwd: null,
      release: null,
      health: null,
      workers: [],
    });
    assert.deepEqual(Object.keys(a).sort(), Object.keys(b).sort());
  });

  it('exits 0 while something ready serves, and 3 when nothing does', async () => {
    await using app = await createTestApp();
    assertExit(await app.plain('status'), 3);
    await app.succeed('update');
    assertExit(await app.plain('status'), 0);
    await app.post('/fail-health');
    assertExit(await app.plain('status'), 3);
    assert.equal((await app.status()).slots[0]?.state, 'unready');
    await app.succeed('stop', '--all');
    assertExit(await app.plain('status'), 3);
  });

  it('tells of an update that failed, until another one has put a version into service', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    app.deploy('2', { APP_BROKEN: 'exits' });
    assertExit(await app.graceful('update'), 1);
    const { lastUpdate } = await app.status();
    assert.deepEqual(
      { ...lastUpdate, at: '', reason: '' },
      { at: '', operation: 'update', result: 'failed', code: 'backend-exited', reason: '' },
    );
    assert.match(
      (await app.plain('status')).stdout,
      /^! The last update failed, .* ago: slot b: the backend exited with code 3/m,
    );
    app.deploy('1', { APP_BROKEN: '' });
    await app.succeed('restart', 'a');
    assert.equal((await app.status()).lastUpdate?.result, 'failed', 'it deploys nothing');
    app.deploy('3', { APP_BROKEN: '' });
    await app.succeed('update');
    assert.doesNotMatch((await app.plain('status')).stdout, /^!/m);
  });

  it('writes nothing, not even the state dir', async () => {
    await using app = await createTestApp();
    assertExit(await app.plain('status'), 3);
    assert.equal(existsSync(app.stateDir), false);
    await app.succeed('update');
    const before = readdirSync(app.stateDir);
    await app.status();
    assert.deepEqual(readdirSync(app.stateDir), before);
  });

  it('tells a backend that is starting, and one that is stopping', async () => {
    await using app = await createTestApp({ env: { APP_BROKEN: 'never-listens' } });
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('waiting', (event) => event.for === 'ready');
    const [starting] = (await app.status()).slots;
    assert.deepEqual([starting?.state, starting?.health?.ok], ['starting', false]);
    update.process.kill('SIGINT');
    await update.finished;

    app.configure({ stopTimeout: '1h' });
    app.deploy('1', { APP_BROKEN: '', APP_ON_SIGTERM: 'ignore' });
    await app.succeed('start');
    const stop = app.spawnGraceful(['stop', '--all', '--json']);
    await stop.event('backend-signalled');
    assert.equal((await app.status()).slots[0]?.state, 'stopping');
  });

  it('counts who is connected', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const clients = await Promise.all([1, 2].map(() => openWebSocket({ socketPath: app.link })));
    assert.deepEqual((await app.status()).slots[0]?.connections, { accepted: 2, queued: 0 });
    for (const client of clients) client.close();
  });

  it('of a hung backend comes after health.timeout at the latest', async () => {
    await using app = await createTestApp({ config: { health: { type: 'http', path: '/healthz', timeout: '900ms' } } });
    await app.succeed('update');
    await app.post('/hang');
    const [slot] = (await app.status()).slots;
    assert.equal(slot?.state, 'unready');
    assert.match(slot?.health?.detail ?? '', /no answer in 900 ms/);
  });

  it('names the git commit that a backend was started with, also when the checkout has moved on', async () => {
    await using app = await createTestApp();
    const git = (...args: readonly string[]): string =>
      execFileSync('git', ['-c', 'user.name=test', '-c', 'user.email=test@example.org', ...args], {
        cwd: app.dir,
        encoding: 'utf8',
        env: { ...process.env, GIT_CONFIG_GLOBAL: '/dev/null', GIT_CONFIG_SYSTEM: '/dev/null' },
      }).trim();
    git('init', '--quiet');
    git('commit', '--quiet', '--allow-empty', '--message', 'one');
    const first = git('rev-parse', '--short=8', 'HEAD');
    await app.succeed('update');
    git('commit', '--quiet', '--allow-empty', '--message', 'two');
    const second = git('rev-parse', '--short=8', 'HEAD');
    assert.equal((await app.status()).slots[0]?.release, first);
    const run = await app.succeed('update');
    assert.equal(run.outcome?.operation === 'update' && run.outcome.release, second);
    assert.deepEqual(
      (await app.status()).slots.map(({ release }) => release),
      [first, second],
    );
  });

  it('names the release directory that `current` led to at the start', async () => {
    await using app = await createTestApp({ config: { cwd: 'current' } });
    const release = join(app.dir, 'releases', '2024-05-01');
    mkdirSync(release, { recursive: true });
    symlinkSync('releases/2024-05-01', join(app.dir, 'current'));
    await app.succeed('update');
    const [slot] = (await app.status()).slots;
    assert.deepEqual([slot?.release, slot?.cwd], ['2024-05-01', release]);
  });
});
