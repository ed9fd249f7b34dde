// One operation at a time, even across crashes of the tool itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT, times } from '../rig/extent.ts';
import { type Fifo, makeFifo } from '../rig/fifo.ts';
import { runs } from '../rig/processes.ts';
import {
  assertExit,
  BIN,
  createTestApp,
  eventsOf,
  failureOf,
  type RunningCommand,
  type TestApp,
} from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const UPDATES = times({ whole: 20, short: 8 });

const waitedForLock = (events: readonly { type: string; for?: string }[]): boolean =>
  events.some((event) => event.type === 'waiting' && event.for === 'lock');

/** An update that holds the lock until the fifo is released. */
async function holdLock(app: TestApp): Promise<{ readonly update: RunningCommand; readonly fifo: Fifo }> {
  const fifo = makeFifo(join(app.dir, 'fifo'));
  app.configure({ hooks: { beforeStart: fifo.waitForIt } });
  const update = app.spawnGraceful(['update', '--json']);
  await until('the update holds the lock', fifo.isWaitedFor);
  return { update, fifo };
}

// One-shot only. Between commands, and of holders that were killed; a supervisor takes the same lock.
describe('the lock', { concurrency: 3, timeout: 600_000 }, () => {
  it(`${UPDATES} updates at once: each runs or exits 4, and one backend is active and ready afterwards`, async () => {
    await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' } });
    const commands = Array.from({ length: UPDATES }, (_, index) =>
      app.graceful('update', '--wait', index % 2 === 0 ? '60s' : '1s'),
    );
    const finished = await Promise.all(commands);
    for (const run of finished) assert.ok(run.code === 0 || run.code === 4, `${run.code}\n${run.stdout}${run.stderr}`);
    for (const run of finished.filter(({ code }) => code === 4)) failureOf(run, 'busy');
    assert.ok(finished.some((run) => run.code === 0));
    // One at a time: what one did under the lock happened wholly before or after what any other did.
    const spans = finished
      .filter((run) => run.code === 0)
      .map((run) =>
        [eventsOf(run, 'backend-started'), eventsOf(run, 'switch-verified')].map(([event]) => timeOf(event)),
      )
      .sort(([a = 0], [b = 0]) => a - b);
    for (const [index, [start = 0]] of spans.entries())
      if (index > 0) assert.ok(start >= (spans[index - 1]?.[1] ?? 0), 'two updates were at work at the same moment');

    const report = await app.status();
    assert.equal(report.slots.filter(({ active, state }) => active && state === 'ready').length, 1);
    const pids = app.processes();
    assert.ok(pids.length <= 2, `${pids.length} backends`);
    assert.deepEqual(new Set(pids), new Set(report.slots.flatMap(({ pid }) => pid ?? [])), 'an orphan');
    assert.equal((await app.get('/')).status, 200);
    assert.equal(existsSync(app.file('app.lock')), false);
  });

  it('operations of all kinds at once leave a state that every command understands', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' } });
    await app.succeed('update');
    const kinds = [['update'], ['switch'], ['keepalive'], ['restart', 'a'], ['stop', '--inactive'], ['start', 'b']];
    const finished = await Promise.all([...kinds, ...kinds].map((args) => app.graceful(...args)));
    for (const run of finished) assert.ok([0, 1].includes(run.code ?? -1), `${run.stdout}${run.stderr}`);
    assert.equal((await app.get('/')).status, 200);
    assert.ok(app.processes().length <= 2);
    await app.succeed('update');
    await app.succeed('stop', '--all');
    assert.deepEqual(app.processes(), []);
  });

  it('is told who holds it, since when, and exits 4 after --wait', async () => {
    await using app = await createTestApp();
    const { update, fifo } = await holdLock(app);
    const holder = JSON.parse(readFileSync(app.file('app.lock-holder.json'), 'utf8'));
    const run = await app.graceful('update', '--wait', '100ms');
    assertExit(run, 4);
    const { pid, operation, since, waitedMs } = failureOf(run, 'busy').details;
    assert.deepEqual([pid, operation, since], [update.process.pid, 'update', holder.since]);
    assert.ok(waitedMs >= 100);
    assert.match(
      (await app.plain('start', '--wait', '0s')).stderr,
      new RegExp(`busy: update \\(pid ${update.process.pid}\\) since ${holder.since} holds the lock`),
    );
    fifo.release();
    assertExit(await update.finished, 0);
  });

  it('is waited for, and the operation that waited is done in its turn', async () => {
    await using app = await createTestApp();
    const { update, fifo } = await holdLock(app);
    const second = app.spawnGraceful(['start', 'b', '--json']);
    await second.event('waiting', (event) => event.for === 'lock');
    fifo.release();
    await update.finished;
    fifo.release(); // the second one's own beforeStart
    assertExit(await second.finished, 0);
    assert.equal(app.processes().length, 2);
  });

  it('Ctrl-C while waiting for it: nothing was changed', async () => {
    await using app = await createTestApp();
    const { update, fifo } = await holdLock(app);
    const second = app.spawnGraceful(['update', '--json']);
    await second.event('waiting', (event) => event.for === 'lock');
    second.process.kill('SIGINT');
    const run = await second.finished;
    assertExit(run, 1);
    assert.match(failureOf(run, 'aborted').message, /nothing was changed/);
    fifo.release();
    assertExit(await update.finished, 0);
  });

  it('does not keep anybody from looking: status and a healthy keepalive never wait for it', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const { update, fifo } = await holdLock(app);
    assert.equal((await app.status()).active, 'a');
    const run = await app.succeed('keepalive', '--wait', '60s');
    assert.deepEqual(run.events, []);
    fifo.release();
    assertExit(await update.finished, 0);
  });

  it('held: `stop --inactive` exits 0 at once and says so, since cron will call again', async () => {
    await using app = await createTestApp();
    await app.succeed('start', '--all');
    const { update, fifo } = await holdLock(app);
    const run = await app.plain('stop', '--inactive');
    assertExit(run, 0);
    assert.match(run.stdout, /another operation holds the lock: update/);
    assert.equal(waitedForLock((await app.succeed('stop', '--inactive')).events), false);
    fifo.release();
    assertExit(await update.finished, 0);
  });

  it('of a suspended holder (SIGSTOP) is respected: others exit 4, and it goes on where it was', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createTestApp();
    const { update, fifo } = await holdLock(app);
    update.process.kill('SIGSTOP');
    const run = await app.graceful('update', '--wait', '100ms');
    assertExit(run, 4);
    const { pid, operation, since } = failureOf(run, 'busy').details;
    assert.deepEqual([pid, operation], [update.process.pid, 'update']);
    assert.ok(Date.parse(since ?? '') <= Date.now());
    update.process.kill('SIGCONT');
    fifo.release();
    assertExit(await update.finished, 0);
  });

  it('of a holder that was killed is taken over at once', async () => {
    await using app = await createTestApp();
    const { update } = await holdLock(app);
    update.process.kill('SIGKILL');
    await update.finished;
    assert.ok(existsSync(app.file('app.lock')));
    app.configure({ hooks: {} });
    const run = await app.succeed('update');
    const [taken] = eventsOf(run, 'lock-taken-over');
    assert.deepEqual([taken?.pid, taken?.operation], [update.process.pid, 'update']);
    assert.equal(waitedForLock(run.events), false);
  });

  it('that was left without a holder, or with rubbish for one, is taken over at once', {
    skip: SKIP_IN_SHORT,
  }, async () => {
    await using app = await createTestApp();
    mkdirSync(app.stateDir, { mode: 0o750 });
    for (const rubbish of [null, '', '{"pid":', '{"pid":"1"}', '\0\0\0', 'null']) {
      mkdirSync(app.file('app.lock'));
      if (rubbish !== null) writeFileSync(app.file('app.lock-holder.json'), rubbish);
      const run = await app.succeed('start');
      assert.deepEqual(
        eventsOf(run, 'lock-taken-over').map(({ pid, operation }) => [pid, operation]),
        [[null, null]],
      );
      assert.equal(waitedForLock(run.events), false);
    }
  });

  it('whose holder is named by a pid that a stranger has now is taken over at once', async () => {
    await using app = await createTestApp();
    const { update } = await holdLock(app);
    update.process.kill('SIGKILL');
    await update.finished;
    const other = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(other, 'spawn');
    const file = app.file('app.lock-holder.json');
    writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), pid: other.pid }));
    app.configure({ hooks: {} });
    const run = await app.succeed('update');
    assert.equal(eventsOf(run, 'lock-taken-over')[0]?.pid, other.pid);
    assert.ok(runs(other.pid ?? 0));
    other.kill('SIGKILL');
  });

  it('of a dead holder is taken over by one of many, never by two', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createTestApp();
    const { update, fifo } = await holdLock(app);
    update.process.kill('SIGKILL');
    await update.finished;
    fifo.release();
    await until('its hook has ended', () => app.processes().length === 0);
    app.configure({ hooks: {} });
    const finished = await Promise.all(Array.from({ length: 8 }, () => app.graceful('start', 'a')));
    for (const run of finished) assertExit(run, 0);
    assert.equal(finished.flatMap((run) => eventsOf(run, 'lock-taken-over')).length, 1);
    assert.equal(finished.flatMap((run) => eventsOf(run, 'backend-started')).length, 1);
    assert.equal(app.processes().length, 1);
  });

  it('taken away from its holder makes that one stop before the switch: somebody else may be at work', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const before = app.linkIdentity();
    const { update, fifo } = await holdLock(app);
    rmSync(app.file('app.lock'), { recursive: true });
    await update.event('abort-requested');
    fifo.release();
    assertExit(await update.finished, 1);
    assert.equal(app.linkIdentity(), before);
    assert.equal(app.processes().length, 1);
  });

  it('is not waited for by a hook that calls graceful: it would wait for its own parent', async () => {
    await using app = await createTestApp();
    app.configure({ hooks: { beforeStart: [process.execPath, BIN, 'switch', 'a'] } });
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.match(failureOf(run, 'hook-failed').details.output.join('\n'), /busy: update/);
  });

  it('a switch that waited for the lock while the app was taken down does not bring it back', async () => {
    await using app = await createTestApp();
    await app.succeed('start', '--all');
    // Keeps a alive after its traffic has gone: there would be something to switch to.
    const client = connect(app.socket('a'));
    await once(client, 'connect');
    const { update, fifo } = await holdLock(app);
    const waiting = app.spawnGraceful(['switch', '--json']);
    await waiting.event('waiting', (event) => event.for === 'lock');
    waiting.process.kill('SIGSTOP');
    const stop = app.spawnGraceful(['stop', '--all', '--json']);
    fifo.release();
    assertExit(await update.finished, 0);
    await stop.event('link-removed');
    waiting.process.kill('SIGCONT');

    const run = await waiting.finished;
    assertExit(run, 1);
    failureOf(run, 'superseded');
    client.destroy();
    assertExit(await stop.finished, 0);
    assert.equal(app.active(), null);
    assert.deepEqual(app.processes(), []);
  });
});

const timeOf = (event: unknown): number => Date.parse((event as { at: string }).at);
