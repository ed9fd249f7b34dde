// No process is ever signalled unless it is certainly ours, and no file of somebody else's is lost.
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, chownSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { identify } from '../../src/system/processes/identity.ts';
import { allOrFirst } from '../rig/extent.ts';
import { inRepo } from '../rig/paths.ts';
import { environmentOf, parentOf, runs, stateOf } from '../rig/processes.ts';
import {
  assertExit,
  BIN,
  cleanEnvironment,
  createTestApp,
  eventsOf,
  failureOf,
  type TestApp,
} from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const editRecord = (app: TestApp, slot: 'a' | 'b', changes: Readonly<Record<string, unknown>>): void => {
  const file = app.file(`app-${slot}.backend.json`);
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...changes }));
};

async function killAll(app: TestApp): Promise<void> {
  const pids = app.processes();
  for (const pid of pids) process.kill(pid, 'SIGKILL');
  await until('all have gone', () => !pids.some(runs));
}

/** A process that has nothing to do with the app: leader of a session, as a backend is. */
async function stranger(): Promise<ChildProcess & { readonly pid: number } & AsyncDisposable> {
  const child = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  await once(child, 'spawn');
  return Object.assign(child, {
    pid: child.pid ?? assert.fail(),
    [Symbol.asyncDispose]: async () => void child.kill('SIGKILL'),
  });
}

// One-shot only. About the files that commands find when nobody supervises: a supervisor would act on the killed, and holds the state dir.
describe('identity', { concurrency: 4, timeout: 600_000 }, () => {
  it('a pid that was reused by a stranger is never signalled, by no command', async () => {
    await using app = await createTestApp();
    await using other = await stranger();
    await app.succeed('start', '--all');
    await killAll(app);
    // As if the kernel had given the pid again: same number, another start time.
    for (const slot of ['a', 'b'] as const) {
      editRecord(app, slot, { pid: other.pid });
      writeFileSync(app.file(`app-${slot}.pid`), `${other.pid}\n`);
    }
    assert.deepEqual(
      (await app.status()).slots.map(({ state, pid }) => [state, pid]),
      [
        ['stopped', null],
        ['stopped', null],
      ],
    );
    for (const args of [['stop', 'b'], ['update'], ['restart', '--all'], ['keepalive'], ['stop', '--all']])
      await app.succeed(...args);
    assert.equal(stateOf(other.pid), 'S');
    assert.deepEqual([other.exitCode, other.signalCode], [null, null]);
  });

  it('a process of a former boot under the same pid and start time is never signalled', async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    const pid = app.pid('a') ?? assert.fail();
    editRecord(app, 'a', { bootId: '00000000-0000-4000-8000-000000000000', instance: 'of-a-former-boot' });
    await app.succeed('stop', '--all');
    assert.ok(runs(pid));
  });

  it('a backend that died under a parent that does not reap it (a zombie) counts as stopped, and is replaced', async () => {
    await using app = await createTestApp();
    const parent = spawn('python3', [inRepo('test/apps/fixtures/never-reaps.py'), process.execPath, BIN, 'update'], {
      cwd: app.dir,
      env: cleanEnvironment(),
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    try {
      const [code] = await once(parent.stdout, 'data');
      assert.equal(String(code).trim(), '0');
      const pid = app.pid('a') ?? assert.fail();
      assert.equal(parentOf(pid), parent.pid);
      process.kill(pid, 'SIGKILL');
      await until('it is a zombie', () => stateOf(pid) === 'Z');
      process.kill(pid, 0); // a zombie answers
      assert.deepEqual(
        (await app.status()).slots.map((slot) => [slot.state, slot.pid]),
        [
          ['stopped', null],
          ['stopped', null],
        ],
      );
      const run = await app.succeed('keepalive');
      assert.equal(run.outcome?.operation === 'keepalive' && run.outcome.action, 'started');
      assert.equal(stateOf(pid), 'Z');
      assert.equal((await app.get('/')).status, 200);
    } finally {
      parent.stdin.end();
      await once(parent, 'close');
    }
  });

  it('a copy of the state dir does not own the backends of the original', async () => {
    await using app = await createTestApp();
    await app.succeed('start', '--all');
    const pids = app.processes();
    const copy = join(app.dir, 'copy');
    execFileSync('cp', ['-a', app.stateDir, copy]);
    const run = await app.succeed('stop', '--all', '--state-dir', copy);
    assert.match(eventsOf(run, 'stale-removed')[0]?.reason ?? '', /was copied from/);
    assert.equal(eventsOf(run, 'backend-signalled').length, 0);
    assert.deepEqual(app.processes(), pids);
    assert.equal((await app.get('/')).status, 200);

    await app.succeed('update', '--state-dir', copy);
    assert.equal(app.processes().length, 3);
    await app.succeed('stop', '--all', '--state-dir', copy);
    assert.deepEqual(app.processes(), pids);
    assert.equal((await app.get('/')).status, 200);
  });

  it('a state dir that was moved still owns its backends', async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    execFileSync('mv', [app.stateDir, join(app.dir, 'moved')]);
    const run = await app.succeed('stop', '--all', '--state-dir', join(app.dir, 'moved'));
    assert.deepEqual(run.outcome?.operation === 'stop' && run.outcome.stopped, ['a']);
    assert.deepEqual(app.processes(), []);
  });

  it('a socket path that somebody else listens on is refused, and the listener is named', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const before = app.linkIdentity();
    const foreign = createServer().listen(app.socket('b'));
    await once(foreign, 'listening');
    try {
      const run = await app.graceful('update');
      assertExit(run, 1);
      assert.deepEqual(failureOf(run, 'socket-in-use').details, {
        slot: 'b',
        path: app.socket('b'),
        by: `process ${process.pid}, which is not ours`,
      });
      assert.equal(app.linkIdentity(), before);
      assert.ok(foreign.listening && existsSync(app.socket('b')));
    } finally {
      foreign.close();
    }
  });

  it('a file in the place of a socket is not removed', async () => {
    await using app = await createTestApp();
    mkdirSync(app.stateDir, { mode: 0o750 });
    writeFileSync(app.socket('a'), 'precious');
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.match(failureOf(run, 'socket-in-use').details.by, /not a socket/);
    assert.equal(readFileSync(app.socket('a'), 'utf8'), 'precious');
  });

  for (const [what, make, found] of allOrFirst([
    ['a file', (path: string) => writeFileSync(path, 'precious'), 'a file'],
    ['a directory', (path: string) => mkdirSync(path), 'a directory'],
    ['a socket', (path: string) => createServer().listen(path).unref(), 'a socket'],
  ] as const))
    it(`${what} in the place of the link is not replaced, by no command`, async () => {
      await using app = await createTestApp();
      mkdirSync(app.stateDir, { mode: 0o750 });
      make(app.link);
      await until('it is there', () => existsSync(app.link));
      for (const args of [['update'], ['start'], ['stop', '--all'], ['switch'], ['keepalive']]) {
        const run = await app.graceful(...args);
        assertExit(run, 1);
        assert.deepEqual(failureOf(run, 'link-not-ours').details, { path: app.link, found });
      }
      assert.ok(existsSync(app.link));
      assert.deepEqual(app.processes(), []);
    });

  it('a link that leads somewhere else is told as it is, and an update puts it right', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    rmSync(app.link);
    symlinkSync('elsewhere.socket', app.link);
    const { active, link } = await app.status();
    assert.deepEqual([active, link.target], [null, 'elsewhere.socket']);
    await app.succeed('keepalive');
    assert.ok(app.active());
    assert.equal((await app.get('/')).status, 200);
  });

  it('rubbish in a pid file changes nothing: the record beside it is what counts', async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    const [pid] = app.processes();
    for (const rubbish of ['', 'x\n', '-1\n', '1\n', `${process.pid}\n`, '\0\0\0']) {
      writeFileSync(app.file('app-a.pid'), rubbish);
      assert.equal((await app.status()).slots[0]?.pid, pid);
    }
    await app.succeed('stop', '--all');
    assert.deepEqual(app.processes(), []);
  });

  it('a pid file alone proves nothing: whoever it names is not signalled', async () => {
    await using app = await createTestApp();
    await using other = await stranger();
    mkdirSync(app.stateDir, { mode: 0o750 });
    for (const content of [`${other.pid}\n`, 'rubbish']) {
      writeFileSync(app.file('app-a.pid'), content);
      const run = await app.succeed('stop', '--all');
      assert.match(eventsOf(run, 'stale-removed')[0]?.reason ?? '', /nothing proves|the pid file holds "rubbish"/);
      assert.ok(runs(other.pid));
    }
  });

  for (const rubbish of allOrFirst(['{"pid":1}', '', '{', '[]', 'null', '\0\0\0\0']))
    it(`a record of ${JSON.stringify(rubbish)} is cleared and said, and its backend is found by its socket`, async () => {
      await using app = await createTestApp();
      await app.succeed('update');
      const lost = app.pid('a') ?? assert.fail();
      writeFileSync(app.file('app-a.backend.json'), rubbish);
      app.deploy('2');
      const run = await app.succeed('update');
      assert.equal(eventsOf(run, 'stale-removed')[0]?.path, app.file('app-a.backend.json'));
      assert.equal((await app.get('/')).version, '2');
      assert.ok(runs(lost), 'nothing proves that it is ours');
      const next = await app.graceful('update');
      assertExit(next, 1);
      assert.match(failureOf(next, 'socket-in-use').details.by, new RegExp(`process ${lost}`));
      assert.equal((await app.get('/')).version, '2');
    });

  const LOST_RECORD = [
    ['is refused by restart', ['restart', 'a'], 'socket-in-use'],
    ['is refused by start', ['start', 'a'], 'socket-in-use'],
    ['gives its traffic to a new one that keepalive starts', ['keepalive'], null],
    ['gives its traffic to a new one, in the place of one that is not ready', ['keepalive'], null],
  ] as const;
  for (const [what, command, refusal] of LOST_RECORD)
    it(`an active backend whose record was lost ${what}: the link is never gone`, async () => {
      await using app = await createTestApp();
      await app.succeed('start', '--all');
      const lost = app.pid('a') ?? assert.fail();
      if (what.endsWith('not ready')) await app.post('/fail-health', app.socket('b'));
      writeFileSync(app.file('app-a.backend.json'), 'rubbish');
      const run = await app.graceful(...command);
      if (refusal === null) assertExit(run, 0);
      else failureOf(run, refusal);
      assert.deepEqual(eventsOf(run, 'link-removed'), []);
      assert.equal((await app.get('/')).status, 200);
      assert.deepEqual([runs(lost), app.active()], [true, refusal === null ? 'b' : 'a']);
    });

  it('a hook whose graceful was killed before it could note the pid is known by its instance, and ended', async () => {
    await using app = await createTestApp();
    mkdirSync(app.stateDir, { mode: 0o750 });
    await using other = await stranger();
    const { pid: _, ...since } = identify(process.pid) ?? assert.fail();
    const note = { ...since, pid: null, instance: 'of the hook', slot: 'a' };
    writeFileSync(app.file('app.hook.json'), JSON.stringify(note));
    const env = { GRACEFUL_INSTANCE: note.instance };
    const hook = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore', env });
    const run = await app.succeed('update');
    assert.equal(hook.signalCode ?? (await once(hook, 'exit'))[1], 'SIGTERM');
    assert.match(eventsOf(run, 'warned')[0]?.detail ?? '', new RegExp(`pid ${hook.pid} had outlived`));
    assert.deepEqual([existsSync(app.file('app.hook.json')), stateOf(other.pid)], [false, 'S']);
  });

  for (const [what, options] of [
    ['a worker in a session of another program', {}],
    ["another app's backend", { detached: true, env: { GRACEFUL_INSTANCE: 'of another app' } }],
  ] as const)
    it(`a record that names ${what} is cleared, and nobody is signalled`, async () => {
      await using app = await createTestApp();
      await app.succeed('start', '--all');
      const pid = app.pid('b') ?? assert.fail();
      const other = spawn('sleep', ['1000'], { stdio: 'ignore', ...options });
      await once(other, 'spawn');
      try {
        editRecord(app, 'b', { ...identify(other.pid ?? 0) });
        const run = await app.succeed('stop', 'b');
        assert.match(eventsOf(run, 'stale-removed')[0]?.reason ?? '', /graceful did not start it/);
        assert.deepEqual([runs(pid), stateOf(other.pid ?? 0)], [true, 'S']);
      } finally {
        other.kill('SIGKILL');
      }
    });

  it('a state dir that everybody may write to is refused with exit code 2', async () => {
    await using app = await createTestApp();
    mkdirSync(app.stateDir);
    chmodSync(app.stateDir, 0o777);
    const run = await app.graceful('update');
    assertExit(run, 2);
    assert.match(failureOf(run, 'state-dir').details.found, /writable for everybody \(mode 0777\)/);
    assert.deepEqual(app.processes(), []);
    chmodSync(app.stateDir, 0o750);
    await app.succeed('update');
  });

  it('a state dir of another user is refused with exit code 2', async () => {
    await using app = await createTestApp();
    mkdirSync(app.stateDir, { mode: 0o755 });
    // Root can give it away; for everybody else the system's own directories are another user's.
    const isRoot = process.geteuid?.() === 0;
    if (isRoot) chownSync(app.stateDir, 65534, 65534);
    const run = await app.graceful('update', '--state-dir', isRoot ? app.stateDir : '/var/lib');
    assertExit(run, 2);
    assert.match(failureOf(run, 'state-dir').details.found, /belongs to user/);
    assert.deepEqual(app.processes(), []);
  });

  it('rubbish in the desired file counts as up: an app that is down by mistake is an outage', async () => {
    await using app = await createTestApp();
    mkdirSync(app.stateDir, { mode: 0o750 });
    for (const rubbish of ['', 'down', '{"desired":', '\0\0']) {
      writeFileSync(app.file('app.desired.json'), rubbish);
      assert.equal((await app.status()).desired, 'up');
    }
    const run = await app.succeed('keepalive');
    assert.equal(run.outcome?.operation === 'keepalive' && run.outcome.action, 'started');
  });

  it('what a killed command left half written is swept up and said', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const left = app.file('.app.socket.0123456789ab.tmp');
    symlinkSync('app-b.socket', left);
    writeFileSync(app.file('.appendix.tmp'), 'not ours');
    const run = await app.succeed('update');
    assert.deepEqual(
      eventsOf(run, 'stale-removed').map((event) => event.path),
      [left],
    );
    assert.ok(existsSync(app.file('.appendix.tmp')));
  });

  it('a backend carries the mark by which it is known', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const record = JSON.parse(readFileSync(app.file('app-a.backend.json'), 'utf8'));
    assert.equal(environmentOf(app.pid('a') ?? 0)['GRACEFUL_INSTANCE'], record.instance);
  });
});
