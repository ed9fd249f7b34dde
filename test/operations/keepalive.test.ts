// A crontab line with `keepalive` alone is all that an app needs.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Slot } from '../../src/core/slot.ts';
import { allOrFirst } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { onEachHost } from '../rig/hosts.ts';
import { runs } from '../rig/processes.ts';
import { assertExit, createTestApp, eventsOf, failureOf, type Run, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const actionOf = (run: Run): string | null => (run.outcome?.operation === 'keepalive' ? run.outcome.action : null);

async function kill(app: TestApp, slot: Slot): Promise<void> {
  const pid = app.pid(slot) ?? assert.fail();
  process.kill(pid, 'SIGKILL');
  await until(`${slot} has gone`, () => !runs(pid));
}

const HEALTH = { timeout: '1s', interval: '20ms', failures: 2 };
const KINDS = {
  connect: { type: 'connect', ...HEALTH },
  http: { type: 'http', path: '/healthz', ...HEALTH },
} as const;

onEachHost('keepalive', (createApp) => {
  it('of a healthy app prints nothing, changes nothing and exits 0', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const before = { link: app.linkIdentity(), files: readdirSync(app.stateDir), processes: app.processes() };
    const run = await app.plain('keepalive');
    assertExit(run, 0);
    assert.equal(run.stdout + run.stderr, '');
    assert.deepEqual(
      { link: app.linkIdentity(), files: readdirSync(app.stateDir), processes: app.processes() },
      before,
    );
  });

  for (const [kind, health] of allOrFirst(Object.entries(KINDS)))
    it(`replaces a backend that hangs (health type ${kind})`, async () => {
      await using app = await createApp({ config: { health, stopTimeout: '200ms', drainTimeout: '300ms' } });
      await app.succeed('update');
      const hung = app.pid('a') ?? assert.fail();
      assert.equal((await app.post('/hang')).status, 200);
      await until('it hangs', async () => (await app.status()).slots[0]?.state === 'unready');
      const run = await app.succeed('keepalive');
      assert.equal(actionOf(run), 'started');
      assert.equal(eventsOf(run, 'health-failed').length, 2);
      assert.equal((await app.get('/')).status, 200);
      await app.succeed('stop', '--inactive');
      assert.equal(runs(hung), false);
      assert.deepEqual(app.processes(), [app.pid('b')]);
    });

  it('replaces a backend that is suspended', async () => {
    await using app = await createApp({ config: { health: KINDS.connect, stopTimeout: '200ms' } });
    await app.succeed('update');
    process.kill(app.pid('a') ?? assert.fail(), 'SIGSTOP');
    assert.equal(actionOf(await app.succeed('keepalive')), 'started');
    assert.equal(app.active(), 'b');
    assert.equal((await app.get('/')).status, 200);
  });

  it('replaces a backend that says it is unhealthy', async () => {
    await using app = await createApp();
    await app.succeed('update');
    await app.post('/fail-health');
    const run = await app.succeed('keepalive');
    assert.equal(actionOf(run), 'started');
    assert.deepEqual(
      eventsOf(run, 'health-failed').map(({ failures, limit, detail }) => `${failures}/${limit} ${detail}`),
      ['1/3 HTTP 503', '2/3 HTTP 503', '3/3 HTTP 503'],
    );
    assert.equal(app.active(), 'b');
  });

  it('does not act on one failed probe', async () => {
    await using app = await createApp();
    const fails = join(app.dir, 'fails-once');
    app.configure({
      health: {
        type: 'exec',
        command: ['sh', '-c', 'if rm "$0" 2>/dev/null; then exit 1; fi', fails],
        interval: '20ms',
      },
    });
    await app.succeed('update');
    const before = app.linkIdentity();
    writeFileSync(fails, '');
    const run = await app.succeed('keepalive');
    assert.equal(eventsOf(run, 'health-failed').length, 1);
    assert.equal(actionOf(run), 'none');
    assert.equal(app.linkIdentity(), before);
  });

  it('leaves a deliberately stopped app stopped, without a word', async () => {
    await using app = await createApp();
    await app.succeed('update');
    await app.succeed('stop', '--all');
    const run = await app.plain('keepalive');
    assertExit(run, 0);
    assert.equal(run.stdout + run.stderr, '');
    assert.deepEqual(app.processes(), []);
  });

  it('finds the lock held: exits 0 at once and says who holds it', async () => {
    await using app = await createApp();
    const fifo = makeFifo(join(app.dir, 'fifo'));
    app.configure({ hooks: { beforeStart: fifo.waitForIt } });
    const update = app.spawnGraceful(['update', '--json']);
    await until('the update is at work', fifo.isWaitedFor);
    const run = await app.plain('keepalive');
    assertExit(run, 0);
    assert.match(run.stdout, new RegExp(`another operation holds the lock.*update \\(pid ${app.managerOf(update)}\\)`));
    assert.equal(actionOf(await app.succeed('keepalive')), 'busy');
    fifo.release();
    assertExit(await update.finished, 0);
  });

  it('at the same moment from many crontabs starts one backend, not many', async () => {
    await using app = await createApp();
    const runsAtOnce = await Promise.all(Array.from({ length: 6 }, () => app.graceful('keepalive')));
    for (const run of runsAtOnce) assertExit(run, 0);
    assert.equal(runsAtOnce.flatMap((run) => eventsOf(run, 'backend-started')).length, 1);
    assert.equal(app.processes().length, 1);
  });
});

// One-shot only. A supervisor does this by itself as soon as it begins or a backend dies: there is nothing left for the command.
describe('keepalive [one-shot]', { concurrency: 4, timeout: 600_000 }, () => {
  it('brings the app up on a machine that has just booted: the state dir is not even there', async () => {
    await using app = await createTestApp();
    assert.equal(existsSync(app.stateDir), false);
    const run = await app.succeed('keepalive');
    assert.equal(actionOf(run), 'started');
    assert.equal((await app.get('/')).status, 200);
    assert.equal(actionOf(await app.succeed('keepalive')), 'none');
  });

  it('brings the app up among the stale files of a former boot, lock and all', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    app.deploy('2');
    await app.succeed('update', '--stop-old');
    await kill(app, 'b');
    for (const slot of ['a', 'b']) {
      // As after a power loss: the records name processes of another boot, sockets and the link are still there.
      const record = JSON.parse(readFileSync(app.file('app-b.backend.json'), 'utf8'));
      const former = { ...record, slot, bootId: '00000000-0000-4000-8000-000000000000', pid: process.pid };
      writeFileSync(app.file(`app-${slot}.backend.json`), JSON.stringify(former));
      writeFileSync(app.file(`app-${slot}.pid`), `${process.pid}\n`);
    }
    mkdirSync(app.file('app.lock'));
    writeFileSync(
      app.file('app.lock-holder.json'),
      JSON.stringify({
        pid: process.pid,
        startTicks: '1',
        bootId: '00000000-0000-4000-8000-000000000000',
        operation: 'update',
        since: new Date(0).toISOString(),
        pidNamespace: 'pid:[1]',
      }),
    );
    assert.ok(existsSync(app.socket('b')));
    app.deploy('3');
    const run = await app.succeed('keepalive');
    assert.equal(actionOf(run), 'started');
    assert.equal(eventsOf(run, 'lock-taken-over').length, 1);
    assert.equal(
      eventsOf(run, 'waiting').some((event) => event.for === 'lock'),
      false,
    );
    assert.equal((await app.get('/')).version, '3');
    assert.equal(app.processes().length, 1);
  });

  it('switches to the other backend when the active one was killed and the other is ready', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    await app.succeed('update');
    const warm = app.pid('a');
    await kill(app, 'b');
    const run = await app.succeed('keepalive');
    assert.equal(actionOf(run), 'switched');
    assert.equal(app.active(), 'a');
    assert.equal(app.pid('a'), warm);
    assert.equal(eventsOf(run, 'backend-started').length, 0);
  });

  it('starts a backend when the active one was killed and there is no other, and says so', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    await kill(app, 'a');
    const run = await app.plain('keepalive');
    assertExit(run, 0);
    assert.match(run.stdout, /repaired in .*: started b/);
    assert.equal((await app.get('/')).status, 200);
  });

  it('cannot repair it: exit code 1, the reason is told, and nothing is left half-started', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    await kill(app, 'a');
    app.deploy('2', { APP_BROKEN: 'exits' });
    const run = await app.graceful('keepalive');
    assertExit(run, 1);
    failureOf(run, 'backend-exited');
    assert.deepEqual(app.processes(), []);
    app.deploy('3');
    assert.equal(actionOf(await app.succeed('keepalive')), 'started');
  });
});
