// `graceful history`: every change of an app, on both hosts, and nothing else.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { describe, it } from 'node:test';
import type { HistoryEntry } from '../../src/core/history.ts';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { onEachHost } from '../rig/hosts.ts';
import { assertExit, BIN, cleanEnvironment, createTestApp, eventsOf, type TestApp } from '../rig/test-app.ts';
import { ask, NO_SCHEDULE, supervise, untilServed } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

async function historyOf(app: TestApp, ...args: readonly string[]): Promise<readonly HistoryEntry[]> {
  const run = await app.plain('history', '--json', ...args);
  assertExit(run, 0);
  return run.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as HistoryEntry);
}

const brief = ({ operation, result, from, to, started, stopped }: HistoryEntry): string =>
  `${operation} ${result} ${from ?? '-'}>${to ?? '-'} +${started.join('')} -${stopped.join('')}`;

onEachHost('the history', (createApp) => {
  it('has every change: what it was, where the traffic went, what was started and stopped', async () => {
    await using app = await createApp();
    const began = Date.now();
    await app.succeed('update');
    await app.succeed('update');
    await app.succeed('switch');
    await app.succeed('restart', 'b');
    await app.succeed('stop', '--inactive');
    await app.succeed('stop', '--all');
    const entries = await historyOf(app);
    assert.deepEqual(entries.map(brief), [
      'update done ->a +a -',
      'update done a>b +b -',
      'switch done b>a + -',
      'restart done a>a +b -b',
      'stop done a>a + -b',
      'stop done a>- + -a',
    ]);
    for (const { at, ms, code, reason, after } of entries) {
      assert.ok(Date.parse(at) >= began && Date.parse(at) + ms <= Date.now() + 1_000, `${at}, ${ms} ms`);
      assert.deepEqual([code, reason, after], [null, null, null]);
    }
  });

  it('says who asked: user, pid, command line and host', async () => {
    await using app = await createApp();
    const command = app.spawnGraceful(['update', '--stop-old', '--json'], { SUDO_USER: 'anna' });
    assertExit(await command.finished, 0);
    const [entry] = await historyOf(app);
    assert.deepEqual(entry?.by, {
      user: userInfo().username,
      sudoUser: 'anna',
      pid: command.process.pid,
      via: entry?.by.via,
      command: 'graceful update --stop-old --json',
    });
    assert.equal(entry?.host, app.managerOf(command) === command.process.pid ? 'one-shot' : 'supervisor');
  });

  it('shows an operation that was killed in the middle: the next one took over its lock', async () => {
    await using app = await createApp();
    const gate = makeFifo(`${app.dir}/gate`);
    app.configure({ hooks: { beforeStart: gate.waitForIt } });
    const update = app.spawnGraceful(['update', '--json']);
    await until('the hook runs', () => gate.isWaitedFor());
    const pid = app.managerOf(update) ?? assert.fail();
    process.kill(pid, 'SIGKILL');
    await update.finished;
    app.configure({ hooks: {} });
    await app.succeed('update');
    const [entry, ...more] = await historyOf(app);
    assert.deepEqual(more, []);
    assert.deepEqual(entry?.after, { operation: 'update', pid });
  });
});

describe('the history', { concurrency: 3 }, () => {
  it('has what failed with its reason, and what was refused as such', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    app.deploy('2', { APP_BROKEN: 'exits' });
    assertExit(await app.graceful('update'), 1);
    assertExit(await app.graceful('switch', 'b'), 1);
    assertExit(await app.graceful('stop', 'a'), 1);
    const entries = await historyOf(app, '--failed');
    assert.deepEqual(
      entries.map(({ operation, result, code }) => `${operation} ${result} ${code}`),
      ['update failed backend-exited', 'switch refused slot-not-ready', 'stop refused would-lose-traffic'],
    );
    assert.match(entries[0]?.reason ?? '', /exited with code 3/);
    assert.deepEqual([entries[0]?.from, entries[0]?.to], ['a', 'a']);
  });

  it('has a busy lock as refused, and only of a command that fails for it', async () => {
    await using app = await createTestApp();
    const gate = makeFifo(`${app.dir}/gate`);
    app.configure({ hooks: { beforeStart: gate.waitForIt } });
    const update = app.spawnGraceful(['update', '--json']);
    await until('the hook runs', () => gate.isWaitedFor());
    assertExit(await app.graceful('restart', 'a', '--wait', '0'), 4);
    assertExit(await app.graceful('keepalive'), 0);
    gate.release();
    assertExit(await update.finished, 0);
    const entries = await historyOf(app);
    assert.deepEqual(
      entries.map(({ operation, result, code }) => `${operation} ${result} ${code}`),
      ['restart refused busy', 'update done null'],
    );
  });

  it('has nothing of what found nothing to do', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const before = readFileSync(app.file('app.history.jsonl'), 'utf8');
    await app.succeed('keepalive');
    await app.succeed('start', 'a');
    await app.succeed('switch', 'a');
    await app.succeed('stop', 'b');
    await app.succeed('stop', '--inactive');
    await app.succeed('status');
    assert.equal(readFileSync(app.file('app.history.jsonl'), 'utf8'), before);
  });

  it('never makes an operation fail: what cannot be written is told', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    rmSync(app.file('app.history.jsonl'));
    mkdirSync(app.file('app.history.jsonl'));
    const run = await app.succeed('update');
    assert.deepEqual(
      eventsOf(run, 'warned').map(({ about }) => about),
      ['the history'],
    );
    assert.equal(app.active(), 'b');
  });

  it('has what a supervisor does by itself, and what others ask at its control socket', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
    await using supervisor = await supervise(app);
    process.kill(app.pid('a') ?? assert.fail(), 'SIGKILL');
    await supervisor.event('operation-completed', ({ operation }) => operation === 'keepalive', supervisor.mark());
    await untilServed(app, '1');
    await ask(app, 'POST', '/operations/update', JSON.stringify({ by: 'a deploy script' }));
    const [first, recovery, update] = await historyOf(app);
    assert.deepEqual(first?.by, {
      user: userInfo().username,
      sudoUser: null,
      pid: supervisor.pid,
      via: 'supervisor',
      command: 'the supervisor started',
    });
    assert.match(
      `${recovery?.operation} ${recovery?.by.command}`,
      /^keepalive the backend in slot a was killed by SIGKILL$/,
    );
    assert.match(recovery?.reason ?? '', /slot a is gone/);
    assert.deepEqual(update?.by, { user: null, sudoUser: null, pid: null, via: null, command: 'a deploy script' });
  });

  it('refuses a caller that is none at the control socket', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
    await using _supervisor = await supervise(app);
    for (const caller of ['me', { user: 'me' }, { user: 1, sudoUser: null, pid: 1, via: null, command: 'x' }]) {
      const { status } = await ask(app, 'POST', '/operations/keepalive', JSON.stringify({ caller }));
      assert.equal(status, 400, JSON.stringify(caller));
    }
  });

  it('knows a command in a hook, one of git and one of cron by their ancestors', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    app.configure({ hooks: { afterSwitch: [process.execPath, BIN, 'stop', 'a', '--wait', '0'] } });
    // Refused, since the lock is held by the operation that the hook is part of: what counts is who asked.
    await app.succeed('update');
    // A program called `cron` whose child is a shell whose child is graceful.
    writeFileSync(`${app.dir}/cron`, `#!/bin/sh\n"${process.execPath}" "${BIN}" switch a\ntrue\n`);
    chmodSync(`${app.dir}/cron`, 0o755);
    app.configure({ hooks: {} });
    spawnSync(`${app.dir}/cron`, { cwd: app.dir, env: cleanEnvironment(), shell: false });
    const via = (await historyOf(app)).map(({ operation, by }) => `${operation} ${by.via}`);
    assert.deepEqual(via.slice(1), ['stop hook', `update ${(await historyOf(app))[0]?.by.via ?? null}`, 'switch cron']);
  });

  it('is a table for people: the newest last, with the time, the traffic, who and why', async () => {
    await using app = await createTestApp();
    assert.match((await app.plain('history')).stderr, /^nothing was done so far/);
    await app.succeed('update');
    await app.succeed('update');
    app.deploy('2', { APP_BROKEN: 'exits' });
    await app.graceful('update');
    const { stdout } = await app.plain('history');
    const [head, ...rows] = stdout.trimEnd().split('\n');
    assert.match(head ?? '', /^WHEN +OPERATION +RESULT +TRAFFIC +RELEASE +TOOK +BY +WHAT$/);
    assert.match(rows[1] ?? '', /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +\S+.* ago +update +done +a → b /);
    assert.match(rows[2] ?? '', /failed +b .*exited with code 3.*graceful update --json$/);
    assert.equal((await app.plain('history', '-n', '1')).stdout.split('\n').length, 3);
    assertExit(await app.plain('history', '-n', 'many'), 2);
  });

  it('tolerates a torn last line, tells it, and does not lose the next entry to it', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    appendFileSync(app.file('app.history.jsonl'), '{"at":"2026-11-20T16:00:00.000Z","opera');
    await app.succeed('update');
    const run = await app.plain('history', '--json');
    assert.equal(run.stdout.trimEnd().split('\n').length, 2);
    assert.match(run.stderr, /^1 line of .*app\.history\.jsonl cannot be read$/m);
  });

  it('keeps to two files of a megabyte, and goes on over the rotation', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const file = app.file('app.history.jsonl');
    const line = readFileSync(file, 'utf8');
    writeFileSync(file, line.repeat(Math.ceil((1024 * 1024) / line.length)));
    await app.succeed('update');
    assert.equal(readFileSync(file, 'utf8').split('\n').length, 2);
    assert.ok(statSync(app.file('app.history.1.jsonl')).size >= 1024 * 1024);
    assert.equal((await historyOf(app, '-n', '3')).length, 3);
    assert.equal(statSync(file).mode & 0o777, 0o640);
  });

  it('has every one of many writers at the same time', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    const runs = await Promise.all(Array.from({ length: 8 }, () => app.graceful('switch', 'b')));
    for (const run of runs) assertExit(run, 1);
    assert.equal((await historyOf(app)).length, 9);
  });
});
