// What the system refuses (a full disk, no more descriptors) ends a command clearly: the old version serves, nothing half done.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { inRepo } from '../rig/paths.ts';
import { runs } from '../rig/processes.ts';
import { skipUnless } from '../rig/requirements.ts';
import { STRACE_ENV, straceInjecting } from '../rig/strace.ts';
import { assertExit, createTestApp, eventsOf, type Run, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

describe('a call that the system refuses', {
  concurrency: 2,
  timeout: 600_000,
  skip: SKIP_IN_SHORT || skipUnless('strace'),
}, () => {
  for (const [call, error] of [
    ['rename', 'ENOSPC'],
    ['clone', 'EMFILE'],
    ['unlink', 'EROFS'],
  ] as const)
    it(`${call}(2) that fails with ${error}, whichever it is: an update says so, and changes nothing`, async () => {
      await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' } });
      await app.succeed('start');
      let hits = 0;
      for (let when = 1; ; when += 1) {
        app.deploy(String(when + 1));
        const log = join(app.dir, `strace-${when}`);
        const run = await app.spawnGraceful(
          ['update', '--json'],
          STRACE_ENV,
          straceInjecting({ call, error, when }, log),
        ).finished;
        if (!readFileSync(log, 'utf8').includes('INJECTED')) break;
        hits += 1;
        assertClear(run, error);
        const answer = await app.get('/');
        assert.equal(answer.status, 200, run.stdout);
        if (run.code === 0) assert.equal(answer.version, String(when + 1), run.stdout);
        assert.deepEqual(halfDone(app), [], run.stdout);
        assert.equal((await app.graceful('update')).code, 0);
      }
      assert.ok(hits >= 2, `${hits} calls were tried`);
    });

  it('a takedown whose link cannot be removed leaves the app wanted up', async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    const log = join(app.dir, 'strace');
    const wrapper = straceInjecting({ call: 'unlink', error: 'EIO', when: 1, path: app.link }, log);
    const run = await app.spawnGraceful(['stop', '--all', '--json'], STRACE_ENV, wrapper).finished;
    assert.match(readFileSync(log, 'utf8'), /app\.socket"\) = -1 EIO .*INJECTED/);
    assertClear(run, 'EIO');
    assert.equal((await app.status()).desired, 'up');
    assert.equal((await app.get('/')).status, 200);
  });

  it('kill(2) of a backend that was told to stop: its slot is blocked, and keepalive replaces the dead one in the other', async () => {
    await using app = await createTestApp();
    await app.succeed('start', '--all');
    const record = app.file('app-b.backend.json');
    const stopping = { ...JSON.parse(readFileSync(record, 'utf8')), stoppingAt: new Date().toISOString() };
    writeFileSync(record, JSON.stringify(stopping));
    const [pid, stays] = [app.pid('a') ?? assert.fail(), app.pid('b') ?? assert.fail()];
    process.kill(pid, 'SIGKILL');
    await until('it has gone', () => !runs(pid));
    const wrapper = straceInjecting({ call: 'kill', error: 'EPERM', when: '1+' }, join(app.dir, 'strace'));
    const run = await app.spawnGraceful(['keepalive', '--json'], STRACE_ENV, wrapper).finished;
    assertExit(run, 0);
    assert.match(
      eventsOf(run, 'warned')
        .map(({ detail }) => detail)
        .join(),
      /may not be signalled by this user/,
    );
    assert.deepEqual([app.active(), runs(stays), (await app.get('/')).status], ['a', true, 200]);
  });
});

it('a full disk behind stdout is no bug: help and version just end', async () => {
  await using app = await createTestApp();
  for (const args of [['--version'], ['--help'], []]) {
    const wrapper = ['/bin/sh', '-c', 'exec "$@" > /dev/full', 'sh'];
    const { code, stderr } = await app.spawnGraceful(args, {}, wrapper).finished;
    assert.deepEqual([code, stderr], [args.length === 0 ? 3 : 0, ''], args.join(' '));
  }
});

/** One failure with the errno and an exit code of ours; or none, where it could be done without. */
function assertClear(run: Run, errno: string): void {
  assert.equal(run.stderr, '', run.stderr);
  if (run.code === 0) return;
  assert.equal(run.code, 1, `${run.code ?? run.signal} ${run.stdout}`);
  assert.match(run.failure?.message ?? '', new RegExp(errno), run.stdout);
}

/** What may not be left: temp files, locks, and processes that nobody knows of. */
const halfDone = (app: TestApp): readonly string[] => [
  ...readdirSync(app.stateDir).filter((file) => file.endsWith('.tmp')),
  ...app
    .processes()
    .filter((pid) => pid !== app.pid('a') && pid !== app.pid('b'))
    .map((pid) => `process ${pid}`),
];

it('an installation that is not whole, as while npm replaces it, is no bug: it is told, and what serves goes on', async () => {
  await using app = await createTestApp();
  await app.succeed('start');
  const copy = join(app.dir, 'installed');
  for (const part of ['bin', 'dist', 'package.json']) cpSync(inRepo(part), join(copy, part), { recursive: true });
  // Its packages are missing: what `status` needs is in one file, what the lock needs is not.
  const { status, stderr } = spawnSync(process.execPath, [join(copy, 'bin/graceful.cjs'), 'update'], {
    cwd: app.dir,
    encoding: 'utf8',
  });
  assert.equal(status, 1, stderr);
  assert.match(
    stderr,
    /^graceful: the installation of graceful is not whole, .*: Cannot find module 'proper-lockfile'$/m,
  );
  assert.match(stderr, /^Install it again: /m);
  assert.equal((await app.get('/')).status, 200);
});
