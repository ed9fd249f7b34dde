// What somebody else put into the state dir is neither believed nor overwritten, and nobody hangs on it.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { allOrFirst } from '../rig/extent.ts';
import { assertExit, BIN, createTestApp, eventsOf, failureOf, type TestApp } from '../rig/test-app.ts';

const PRECIOUS = 'precious';
const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;

/** The state dir, and beside it a file that must stay as it is. */
function prepare(app: TestApp): string {
  mkdirSync(app.stateDir, { mode: 0o750 });
  const precious = join(app.dir, 'precious');
  writeFileSync(precious, PRECIOUS);
  return precious;
}

const NAMES = ['app-a.pid', 'app-a.backend.json', 'app.desired.json', 'app.lock-holder.json', 'app.hook.json'];
const PLANTS: readonly (readonly [string, RegExp, (path: string, precious: string) => void])[] = [
  ['a symbolic link', /symbolic link/, (path, precious) => symlinkSync(precious, path)],
  ['a FIFO', /a FIFO/, (path) => execFileSync('mkfifo', [path])],
  ['a directory', /a directory/, (path) => mkdirSync(path)],
  [
    'a file of two gigabytes',
    /bytes/,
    (path) => {
      writeFileSync(path, '');
      truncateSync(path, 2 ** 31);
    },
  ],
];

describe('what was planted in the state dir', { concurrency: 4, timeout: 600_000 }, () => {
  for (const [what, found, plant] of allOrFirst(PLANTS))
    it(`${what} in the place of a file of ours is refused with exit code 2, which names it`, async () => {
      for (const name of NAMES) {
        await using app = await createTestApp();
        const precious = prepare(app);
        plant(app.file(name), precious);
        const run = await app.graceful('update');
        assertExit(run, 2);
        const { details } = failureOf(run, 'state-dir');
        assert.equal(details.path, app.file(name));
        assert.match(details.found, found);
        assert.equal(readFileSync(precious, 'utf8'), PRECIOUS);
        assert.deepEqual(app.processes(), []);
      }
    });

  it('a FIFO does not make status or keepalive wait', async () => {
    await using app = await createTestApp();
    prepare(app);
    execFileSync('mkfifo', [app.file('app.desired.json')]);
    for (const command of ['status', 'keepalive']) assertExit(await app.graceful(command), 2);
  });

  it('a file of another user is not believed', { skip: !isRoot && 'takes root' }, async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    const [pid = 0] = app.processes();
    chownSync(app.file('app-a.backend.json'), NOBODY, NOBODY);
    const run = await app.graceful('stop', '--all');
    assertExit(run, 2);
    assert.match(failureOf(run, 'state-dir').details.found, /of user 65534/);
    assert.deepEqual(app.processes(), [pid]);
  });

  it('a supervisor of another user is not asked', { skip: !isRoot && 'takes root' }, async () => {
    await using app = await createTestApp();
    prepare(app);
    const asked: unknown[] = [];
    const server = createServer((socket) => void asked.push(socket)).listen(app.file('app.control'));
    try {
      chownSync(app.file('app.control'), NOBODY, NOBODY);
      const run = await app.graceful('update');
      assertExit(run, 2);
      assert.equal(failureOf(run, 'state-dir').details.path, app.file('app.control'));
      assert.equal(asked.length, 0);
    } finally {
      server.close();
    }
  });

  it('a log that is a symbolic link of our own is the wish of the operator', async () => {
    await using app = await createTestApp();
    prepare(app);
    const log = join(app.dir, 'elsewhere.log');
    symlinkSync(log, app.file('app-a.log'));
    await app.succeed('update');
    assert.match(readFileSync(log, 'utf8'), /is listening/);
  });

  it('a state dir in a place where everybody may replace it is refused, unless it has the sticky bit', async () => {
    await using app = await createTestApp();
    mkdirSync(join(app.dir, 'shared'));
    app.configure({ stateDir: 'shared/run' });
    chmodSync(join(app.dir, 'shared'), 0o777);
    for (const command of ['status', 'update']) {
      const run = await app.graceful(command);
      assertExit(run, 2);
      assert.match(failureOf(run, 'state-dir').details.found, /everybody may replace it/);
    }
    assert.deepEqual(readdirSync(join(app.dir, 'shared')), []);
    chmodSync(join(app.dir, 'shared'), 0o1777);
    await app.succeed('update');
  });

  it('a directory under the name of a temp file is left alone', async () => {
    await using app = await createTestApp();
    prepare(app);
    mkdirSync(app.file('.app.socket.0123456789ab.tmp'));
    const run = await app.succeed('update');
    assert.deepEqual(eventsOf(run, 'stale-removed'), []);
  });
});

describe('the rights of what graceful makes', { timeout: 600_000 }, () => {
  for (const umask of ['000', '077'])
    it(`do not depend on the umask, ${umask}`, async () => {
      await using app = await createTestApp();
      const modes = join(app.dir, 'modes');
      // While the lock is held.
      app.configure({
        stateDir: 'var/run',
        hooks: { beforeStart: ['sh', '-c', `stat -c '%n %a' var var/run var/run/app.lock > ${modes}`] },
      });
      execFileSync('sh', ['-c', `umask ${umask}; exec "$@"`, 'sh', process.execPath, BIN, 'update'], {
        cwd: app.dir,
        stdio: 'ignore',
      });
      const lock = umask === '077' ? 700 : 750;
      assert.equal(readFileSync(modes, 'utf8'), `var 750\nvar/run 750\nvar/run/app.lock ${lock}\n`);
      const dir = join(app.dir, 'var/run');
      for (const name of readdirSync(dir)) {
        const { mode } = lstatSync(join(dir, name));
        const widest = name.endsWith('.socket') ? 0o777 : name.endsWith('.pid') ? 0o644 : 0o640;
        assert.equal(mode & 0o777 & ~widest, 0, `${name} ${(mode & 0o777).toString(8)}`);
      }
      assert.equal(lstatSync(join(dir, 'app-a.socket')).mode & 0o777, 0o660);
    });
});
