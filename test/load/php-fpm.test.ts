// The names and the configuration that users of FastCGI have: real php-fpm backends behind nginx/graceful-fastcgi.conf.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readlinkSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { describe, it } from 'node:test';
import { startNginx } from '../rig/nginx.ts';
import { inRepo } from '../rig/paths.ts';
import { argumentsOf, parentOf } from '../rig/processes.ts';
import { need, skipUnless } from '../rig/requirements.ts';
import { createTestApp, eventsOf, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';
import { assertAnswersAlone, assertNothingLost, underLoad, untilLeft } from './under-load.ts';

const UPDATES = 10;

describe('name: fastcgi, and two php-fpm backends', { skip: skipUnless('nginx', 'wrk', 'php-fpm') }, () => {
  it(`${UPDATES} updates in a row, each to the release that \`current\` leads to, lose no request`, async () => {
    await using app = await createTestApp({
      name: 'fastcgi',
      config: {
        command: [need('php-fpm'), '-F', ...(userInfo().uid === 0 ? ['-R'] : []), '-y', 'php-fpm.conf'],
        cwd: 'current',
        health: { type: 'fastcgi', path: '/ping', interval: '20ms' },
        drainTimeout: '30s',
      },
      env: { PHP_USER: userInfo().username },
    });
    await using _stopsAll = stopsAll(app);
    release(app, 1);
    await app.succeed('update');
    await using nginx = await startNginx({ config: 'fastcgi', socketPath: app.file('fastcgi.socket') });
    let most = 0;
    const report = await underLoad(nginx, async () => {
      for (let version = 2; version <= 1 + UPDATES; version += 1) {
        release(app, version);
        const run = await app.succeed('update');
        assert.deepEqual(eventsOf(run, 'connections-cut'), []);
        for (const { method } of eventsOf(run, 'backend-drained')) assert.equal(method, 'socket-table');
        assert.equal(eventsOf(run, 'backend-drained').length, version > 2 ? 1 : 0);
        most = Math.max(most, masters(app).length);
      }
      await untilLeft(app.socket(app.active() === 'a' ? 'b' : 'a'));
    });
    assertNothingLost(report, nginx);
    assert.deepEqual(
      Object.keys(report.versions),
      Array.from({ length: 1 + UPDATES }, (_, index) => String(index + 1)),
    );
    await assertAnswersAlone(String(1 + UPDATES), nginx);
    assert.equal(most, 2);
  });
});

/** A release directory of its own, and the link `current` to it: as deployment tools do. */
function release(app: TestApp, version: number): void {
  const name = `releases/${version}`;
  mkdirSync(`${app.dir}/releases`, { recursive: true });
  cpSync(inRepo('test/apps/php-app'), `${app.dir}/${name}`, { recursive: true });
  writeFileSync(`${app.dir}/${name}/version`, `${version}\n`);
  symlinkSync(name, `${app.dir}/current.new`);
  renameSync(`${app.dir}/current.new`, `${app.dir}/current`);
}

/**
 * The php-fpm masters of this app. Told by their working directory, since they write over their environment to set a
 * title; and by their parents, since a worker that was just forked still bears its master's title.
 */
function masters(app: TestApp): readonly number[] {
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && cwdOf(entry).startsWith(`${app.dir}/releases/`))
    .map(Number)
    .filter((pid) => argumentsOf(pid)[0]?.startsWith('php-fpm: master process'));
  return all.filter((pid) => !all.includes(parentOf(pid)));
}

function cwdOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // gone, or a kernel thread
  }
}

/** The test app's own cleaning up tells its backends by their environment. */
const stopsAll = (app: TestApp): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    for (const pid of masters(app)) process.kill(pid, 'SIGTERM');
    await until('php-fpm has gone', () => masters(app).length === 0);
  },
});
