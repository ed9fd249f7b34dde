// Release directories: each slot runs from its own, and what deploys nothing brings back the one that served.
import assert from 'node:assert/strict';
import { rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { assertExit, eventsOf, failureOf, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';
import { git, page, writeRelease } from './site.ts';

const CONFIG = { command: [process.execPath, 'server.mjs'] };

const pointCurrent = (app: TestApp, release: string): void => {
  rmSync(join(app.dir, 'current'), { force: true });
  symlinkSync(release, join(app.dir, 'current'));
};

onEachHost('release directories', (createApp) => {
  it('each slot runs from its own: status shows which, and the old version loads its own files after the switch', async () => {
    await using app = await createApp({ config: { ...CONFIG, cwd: 'current' } });
    for (const version of ['r1', 'r2']) {
      writeRelease(join(app.dir, version), version);
      pointCurrent(app, version);
      await app.succeed('update');
      assert.equal(await page(app.link, '/first'), `200 first of ${version}`);
    }
    const { slots } = await app.status();
    assert.deepEqual(
      slots.map(({ release, cwd }) => [release, cwd]),
      ['r1', 'r2'].map((version) => [version, join(app.dir, version)]),
    );
    assert.equal(await page(app.socket('a'), '/late'), '200 late of r1');
    assert.equal(await page(app.socket('b'), '/late'), '200 late of r2');
  });

  it('update --release runs from that directory, relative to the configuration or absolute, wherever `cwd` points', async () => {
    await using app = await createApp({ config: CONFIG });
    for (const version of ['r1', 'r2']) writeRelease(join(app.dir, version), version);
    await app.succeed('update', '--release', 'r1');
    await app.succeed('update', '--release', join(app.dir, 'r2'));
    assert.deepEqual(
      (await app.status()).slots.map(({ cwd }) => cwd),
      [join(app.dir, 'r1'), join(app.dir, 'r2')],
    );
    assert.equal(await page(app.link, '/late'), '200 late of r2');
    await app.succeed('stop', 'a');
    await app.succeed('start', 'a', '--release', 'r2');
    assert.equal(await page(app.socket('a'), '/late'), '200 late of r2');
  });

  it('of a dry run is looked at and not started', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({ config: CONFIG });
    for (const release of ['r1', 'r2']) writeRelease(join(app.dir, release), release);
    await app.succeed('update', '--release', 'r1');
    const before = { link: app.linkIdentity(), processes: app.processes() };
    const { outcome } = await app.succeed('update', '--dry-run', '--release', 'r2');
    assert.ok(outcome?.operation === 'plan');
    assert.deepEqual(
      [outcome.cwd, outcome.release, outcome.changes?.cwd, outcome.changes?.release],
      [join(app.dir, 'r2'), 'r2', true, true],
    );
    failureOf(await app.graceful('update', '--dry-run', '--release', 'r9'), 'release-failed');
    app.configure({ release: 'git' });
    failureOf(await app.graceful('update', '--dry-run', '--release', 'HEAD'), 'usage');
    assert.deepEqual({ link: app.linkIdentity(), processes: app.processes() }, before);
  });

  it('one that is not there, or no directory, is refused before anything is stopped', async () => {
    await using app = await createApp({ config: CONFIG });
    writeRelease(join(app.dir, 'r1'), 'r1');
    await app.succeed('update', '--release', 'r1');
    await app.succeed('update', '--release', 'r1');
    const before = { link: app.linkIdentity(), processes: app.processes() };
    writeFileSync(join(app.dir, 'file'), '');
    for (const [release, reason] of [
      ['r9', /r9: ENOENT/],
      ['file', /file: it is not a directory/],
    ] as const) {
      const run = await app.graceful('update', '--release', release);
      assertExit(run, 1);
      assert.match(failureOf(run, 'release-failed').details.reason, reason);
    }
    assert.deepEqual({ link: app.linkIdentity(), processes: app.processes() }, before);
  });

  it('restart and keepalive bring back the version that served, whatever `current` points to by then', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createApp({ config: { ...CONFIG, cwd: 'current' } });
    writeRelease(join(app.dir, 'r1'), 'r1');
    pointCurrent(app, 'r1');
    await app.succeed('update');
    writeRelease(join(app.dir, 'r2'), 'r2');
    writeFileSync(join(app.dir, 'r2/server.mjs'), 'process.exit(3);');
    pointCurrent(app, 'r2');
    assertExit(await app.graceful('update'), 1);
    await app.succeed('restart', 'a');
    assert.equal(await page(app.link, '/first'), '200 first of r1');
    for (const slot of ['a', 'b'] as const) {
      const pid = app.pid(slot);
      if (pid !== null) process.kill(pid, 'SIGKILL');
    }
    // A supervisor is at work already.
    await app.graceful('keepalive');
    await until('it serves again', async () => (await page(app.link, '/first').catch(() => '')) === '200 first of r1');
    assert.deepEqual([...new Set((await app.status()).slots.flatMap(({ release }) => release ?? []))], ['r1']);
  });

  it('in the checkout of something else is called by its own name, not by that commit', async () => {
    await using app = await createApp({ config: { ...CONFIG, cwd: 'current' } });
    git(app.dir, 'init', '-q');
    git(app.dir, 'commit', '-q', '--allow-empty', '-m', 'of the configuration');
    writeRelease(join(app.dir, 'r1'), 'r1');
    pointCurrent(app, 'r1');
    await app.succeed('update');
    assert.equal((await app.status()).slots[0]?.release, 'r1');
  });

  it('one that has gone is told, and what is on disk now is started', async () => {
    await using app = await createApp({ config: CONFIG });
    writeRelease(app.dir, 'plain');
    writeRelease(join(app.dir, 'r1'), 'r1');
    await app.succeed('update', '--release', 'r1');
    rmSync(join(app.dir, 'r1'), { recursive: true });
    const run = await app.succeed('restart', 'a');
    assert.match(
      eventsOf(run, 'warned')
        .map(({ detail }) => detail)
        .join('\n'),
      /r1 is gone/,
    );
    assert.equal(await page(app.link, '/late'), '200 late of plain');
  });
});
