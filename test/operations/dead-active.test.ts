// One-shot only: the link leads to what is dead, half dead or in no record, and a command is typed before anybody has noticed. A
// supervisor would have.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Slot } from '../../src/core/slot.ts';
import { openDesired } from '../../src/system/desired.ts';
import { statePaths } from '../../src/system/state-paths.ts';
import { allOrFirst } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { inRepo } from '../rig/paths.ts';
import { runs } from '../rig/processes.ts';
import { assertExit, createTestApp, eventsOf, failureOf, PYTHON_APP, type Run, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

async function kill(app: TestApp, slot: Slot): Promise<void> {
  const pid = app.pid(slot) ?? assert.fail(`nothing runs in ${slot}`);
  process.kill(pid, 'SIGKILL');
  await until('it has gone', () => !runs(pid));
}

/** Somebody whom no record names listens in the slot. */
async function listenIn(app: TestApp, slot: Slot): Promise<Disposable> {
  rmSync(app.socket(slot), { force: true });
  const server = createServer((socket) => socket.destroy()).listen(app.socket(slot));
  await once(server, 'listening');
  return { [Symbol.dispose]: () => void server.close() };
}

/** What comes first of these. */
const firstOf = (run: Run, ...types: readonly string[]): string | undefined =>
  run.events.find(({ type }) => types.includes(type))?.type;

describe('with the active backend dead', { concurrency: 4, timeout: 600_000 }, () => {
  for (const command of allOrFirst([
    ['restart', 'a'],
    ['start'],
    ['start', 'a'],
    ['restart', 'b'],
    ['restart', '--inactive'],
    ['restart', '--all'],
    ['update'],
  ]))
    it(`\`${command.join(' ')}\` leads the traffic to the one that is ready before anything else, and a failed start leaves it there`, async () => {
      await using app = await createTestApp();
      await app.succeed('start', '--all');
      const warm = app.pid('b');
      await kill(app, 'a');
      app.deploy('2', { APP_BROKEN: 'exits' });
      const run = await app.graceful(...command);
      assertExit(run, 1);
      failureOf(run, 'backend-exited');
      assert.equal(firstOf(run, 'traffic-switched', 'backend-started', 'backend-signalled'), 'traffic-switched');
      assert.deepEqual([app.active(), app.pid('b')], ['b', warm]);
      assert.equal((await app.get('/')).version, '1');
    });

  it('what is said of a start that failed says where the traffic is now', async () => {
    await using app = await createTestApp();
    await app.succeed('start', '--all');
    await kill(app, 'a');
    app.deploy('2', { APP_BROKEN: 'exits' });
    const run = await app.plain('start');
    assert.match(run.stderr, /Traffic had moved to b before that, and stays there/);
    assert.doesNotMatch(run.stderr, /where it was/);
  });

  for (const command of allOrFirst([['restart', 'a'], ['start'], ['restart', '--all']]))
    for (const isWarm of [true, false])
      it(`and workers of it that still serve, \`${command.join(' ')}\` moves the traffic before it drains them, ${isWarm ? 'to the slot that is ready' : 'to a slot that it starts'}`, async () => {
        await using app = await createTestApp({
          config: { command: ['python3', '-u', inRepo('test/faults/identity/shapes.py'), PYTHON_APP] },
          env: { APP_SHAPE: 'a grandchild' },
        });
        await app.succeed('start', ...(isWarm ? ['--all'] : []));
        await kill(app, 'a');
        assert.equal((await app.get('/')).status, 200, 'they serve');
        const run = await app.succeed(...command);
        assert.equal(firstOf(run, 'traffic-switched', 'backend-signalled'), 'traffic-switched');
        assert.deepEqual(eventsOf(run, 'link-removed'), []);
        assert.equal((await app.get('/')).status, 200);
      });

  it('and workers of it that still serve, `start` puts the code that is on disk now into service, and `restart` what ran', async () => {
    for (const [command, version] of [
      ['start', '2'],
      ['restart', '1'],
    ] as const) {
      await using app = await createTestApp({
        config: { cwd: 'current', command: ['python3', '-u', inRepo('test/faults/identity/shapes.py'), PYTHON_APP] },
        env: { APP_SHAPE: 'a grandchild', APP_VERSION_FILE: 'version' },
      });
      for (const name of ['1', '2']) {
        mkdirSync(join(app.dir, name));
        writeFileSync(join(app.dir, name, 'version'), name);
      }
      symlinkSync('1', join(app.dir, 'current'));
      await app.succeed('start');
      await kill(app, 'a');
      rmSync(join(app.dir, 'current'));
      symlinkSync('2', join(app.dir, 'current'));
      const run = await app.succeed(command, 'a');
      assert.equal((await app.get('/')).version, version);
      if (run.outcome?.operation === 'start') assert.deepEqual(run.outcome.started.toSorted(), ['a', 'b']);
    }
  });

  it('and the other slot taken by somebody else, keepalive starts it where it was', async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    await kill(app, 'a');
    using _stranger = await listenIn(app, 'b');
    await app.succeed('keepalive');
    assert.equal(app.active(), 'a');
    assert.equal((await app.get('/')).status, 200);
  });
});

describe('with the active backend sick', { concurrency: 4, timeout: 600_000 }, () => {
  it('`start` finds it running and leads the traffic to the one that is ready', async () => {
    await using app = await createTestApp();
    await app.succeed('start', '--all');
    await app.post('/fail-health');
    const run = await app.succeed('start');
    assert.deepEqual(run.outcome?.operation === 'start' && [run.outcome.alreadyRunning, run.outcome.active], [
      ['a'],
      'b',
    ]);
    assert.equal(app.active(), 'b');
  });
});

describe('with nothing active', { concurrency: 4, timeout: 600_000 }, () => {
  for (const command of allOrFirst([['keepalive'], ['update'], ['start']]))
    it(`and slot a taken by somebody else, \`${command.join(' ')}\` starts the app in slot b`, async () => {
      await using app = await createTestApp();
      await app.succeed('start');
      await app.succeed('stop', '--all');
      openDesired(statePaths(app.stateDir, app.name).desired).write('up', 'a test');
      using _stranger = await listenIn(app, 'a');
      await app.succeed(...command);
      assert.equal(app.active(), 'b');
      assert.equal((await app.get('/')).status, 200);
    });

  it('`start --all` of which one fails leaves the other one serving', async () => {
    await using app = await createTestApp();
    const only = (slot: Slot) => [
      'sh',
      '-c',
      `test {slot} = ${slot} || exit 3; exec node ${inRepo('test/apps/node-app.mjs')}`,
    ];
    app.configure({ command: only('a') });
    const run = await app.graceful('start', '--all');
    assertExit(run, 1);
    assert.equal(failureOf(run, 'backend-exited').details.slot, 'b');
    assert.equal(app.active(), 'a');
    assert.equal((await app.get('/')).status, 200);
  });

  for (const [signal, desired, why] of [
    ['SIGINT', 'down', 'no keepalive starts what was undone'],
    ['SIGTERM', 'up', 'the machine may be going down, and the next boot starts it'],
  ] as const)
    it(`${signal} during the \`start\` of an app that was taken down leaves it wanted ${desired}: ${why}`, async () => {
      await using app = await createTestApp();
      await app.succeed('start');
      await app.succeed('stop', '--all');
      app.deploy('2', { APP_BROKEN: 'never-listens' });
      const start = app.spawnGraceful(['start', '--json']);
      await start.event('waiting', (event) => event.for === 'ready');
      start.process.kill(signal);
      failureOf(await start.finished, 'aborted');
      assert.equal((await app.status()).desired, desired);
      assert.deepEqual(app.processes(), []);
    });
});

describe('an app that is taken down while a command waits for its turn', { concurrency: 4, timeout: 600_000 }, () => {
  for (const command of allOrFirst([['restart', 'a'], ['update']]))
    it(`stays down: \`${command.join(' ')}\` is superseded`, async () => {
      await using app = await createTestApp();
      await app.succeed('start');
      const fifo = makeFifo(join(app.dir, 'fifo'));
      // The active one is sick: an update looks for a healthy one first, and waits for the lock to do so.
      await kill(app, 'a');
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const holder = app.spawnGraceful(['start', '--json']);
      await until('somebody else is at work', () => fifo.isWaitedFor());
      const waiting = app.spawnGraceful([...command, '--json']);
      await waiting.event('waiting', (event) => event.for === 'lock');
      // As if `stop --all` had been the next to get it.
      openDesired(statePaths(app.stateDir, app.name).desired).write('down', 'a test');
      holder.process.kill('SIGINT');
      await holder.finished;
      rmSync(app.link, { force: true });
      fifo.release();
      failureOf(await waiting.finished, 'superseded');
      assert.equal((await app.status()).desired, 'down');
      assert.deepEqual(app.processes(), []);
    });

  it('stays down when that happens between its start and its link', async () => {
    await using app = await createTestApp();
    await app.succeed('start');
    await app.succeed('stop', '--all');
    const down = readFileSync(app.file('app.desired.json'), 'utf8');
    writeFileSync(join(app.dir, 'down'), down);
    // The health check is the last thing that is asked before the lock is given back.
    app.configure({ health: { type: 'exec', command: ['cp', join(app.dir, 'down'), app.file('app.desired.json')] } });
    failureOf(await app.graceful('start'), 'superseded');
    assert.deepEqual([(await app.status()).desired, existsSync(app.link)], ['down', false]);
  });
});
