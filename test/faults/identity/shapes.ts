// Backends whose listener is not the process that was started, and strangers on our socket paths.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import type { GracefulEvent } from '../../../src/core/events.ts';
import { knockAt } from '../../../src/system/knock.ts';
import { inRepo } from '../../rig/paths.ts';
import { environmentOf, runs } from '../../rig/processes.ts';
import { createTestApp, PYTHON_APP, type TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { startClients } from '../kit/client.ts';
import { assertNothingLost } from '../kit/excuses.ts';
import { watch } from '../kit/invariants.ts';
import { everyNth } from '../kit/seed.ts';
import { startStrangers } from '../kit/strangers.ts';
import type { Case, Form } from '../kit/suite.ts';

const SHAPES = [
  'its parent exits when it is ready',
  'a group of its own',
  'a session of its own',
  'a grandchild',
  'a grandchild that ignores SIGTERM',
  'a child that wrote over its environment',
  'a leader that wrote over its environment',
] as const;
type Shape = (typeof SHAPES)[number];
const STORIES = [
  [['update'], ['update']],
  [['update', '--stop-old'], ['switch', 'a'], ['update']],
  [['restart', '--all']],
  [
    ['stop', 'b'],
    ['start', 'b'],
    ['stop', '--inactive'],
  ],
  [['stop', '--all'], ['start']],
];
const DEATHS = [['keepalive'], ['update'], ['start'], ['restart', '--all'], ['stop', '--all'], ['stop', '--inactive']];

export function shapeCases(form: Form): readonly Case[] {
  const all = [...stories(), ...deaths(), ...daemons(), ...strangersOnTheSocket()];
  return form === 'long' ? all : everyNth(all, 23, 'shapes');
}

const createApp = (shape: string): Promise<TestApp> =>
  createTestApp({
    config: {
      command: ['python3', '-u', inRepo('test/faults/identity/shapes.py'), PYTHON_APP],
      stopTimeout: '1s',
    },
    env: { APP_SHAPE: shape },
  });

/** Ready, and in its shape. */
async function shaped(app: TestApp, shape: Shape): Promise<void> {
  await app.succeed('start', '--all');
  if (shape !== 'its parent exits when it is ready') return;
  const leaders = (['a', 'b'] as const).map((slot) => app.pid(slot) ?? assert.fail());
  for (const pid of leaders) process.kill(pid, 'SIGUSR1');
  await until('the parents have gone', () => !leaders.some(runs));
}

interface Watch extends AsyncDisposable {
  check(mayLose: boolean, told: readonly GracefulEvent[]): Promise<void>;
}

/** A backend has several processes here, which no record names: two backends are two instances. */
async function watchShaped(app: TestApp): Promise<Watch> {
  const strangers = startStrangers(app.dir);
  const clients = startClients(app.link, { count: 2, pauseMs: 5, slow: 0 });
  const instances = (): ReadonlySet<string> =>
    new Set(app.processes().flatMap((pid) => environmentOf(pid)['GRACEFUL_INSTANCE'] ?? []));
  return {
    async check(mayLose, told) {
      const again = await app.succeed('update');
      assert.equal((await app.get('/')).status, 200, 'I5: nothing serves in the end');
      await until('I7: at most two backends', () => instances().size <= 2);
      await clients.end();
      if (!mayLose) assertNothingLost(clients, [], [...told, ...again.events]);
      strangers.assertAlive();
    },
    async [Symbol.asyncDispose]() {
      await clients.end();
      strangers[Symbol.dispose]();
    },
  };
}

function* stories(): Iterable<Case> {
  for (const shape of SHAPES)
    for (const story of STORIES)
      yield {
        row: 'a backend whose listener is not the process that was started',
        name: `${shape}: ${story.map((command) => command.join(' ')).join(', ')}`,
        tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear'],
        async run() {
          await using app = await createApp(shape);
          await shaped(app, shape);
          await using witness = await watchShaped(app);
          const told: GracefulEvent[] = [];
          for (const command of story) {
            const run = await app.graceful(...command);
            assertClear(run);
            told.push(...run.events);
          }
          const takesDown = story.some(([verb, what]) => verb === 'stop' && what === '--all');
          // A backend whose leader has gone counts as dead: what it left is drained and replaced.
          await witness.check(takesDown || shape === 'its parent exits when it is ready', told);
          await app.succeed('stop', '--all');
          await until('I7: all have gone', () => app.processes().length === 0);
        },
      };
}

function* deaths(): Iterable<Case> {
  for (const shape of SHAPES)
    for (const command of DEATHS)
      for (const slot of ['a', 'b'] as const)
        yield {
          row: 'the process that was started is killed, and the listener goes on',
          name: `${shape}, slot ${slot} killed: ${command.join(' ')}`,
          tried: ['I2', 'I3', 'I5', 'I7', 'clear'],
          async run() {
            await using app = await createApp(shape);
            await shaped(app, shape);
            await using witness = await watchShaped(app);
            const pid = app.pid(slot) ?? assert.fail();
            if (runs(pid)) process.kill(pid, 'SIGKILL');
            await until('it has gone', () => !runs(pid));
            const goesOn = (await knockAt(app.socket(slot))) === 'answered';
            const run = await app.graceful(...command);
            assertClear(run);
            await witness.check(!goesOn || command.includes('stop'), run.events);
            await app.succeed('update');
            await app.succeed('stop', '--all');
            await until('I7: all have gone', () => app.processes().length === 0);
          },
        };
}

function* daemons(): Iterable<Case> {
  for (const command of [['update'], ['start'], ['start', 'b'], ['restart', 'b'], ['keepalive']])
    for (const serving of [false, true])
      yield {
        row: 'a backend that puts itself into the background',
        name: `${serving ? 'serving' : 'empty'}: ${command.join(' ')}`,
        tried: ['I1', 'I2', 'I3', 'I7', 'clear'],
        async run() {
          await using app = await createTestApp();
          if (serving) await app.succeed('start');
          await using witness = await watch(app);
          const before = app.processes();
          app.configure({
            command: ['python3', '-u', inRepo('test/faults/identity/shapes.py'), PYTHON_APP],
            env: { APP_SHAPE: 'its parent exits at once', APP_VERSION_FILE: `${app.dir}/version` },
          });
          assertClear(await app.graceful(...command));
          await until('I7: what it started has gone', () => app.processes().length === before.length);
          app.configure({ command: [process.execPath, inRepo('test/apps/node-app.mjs')] });
          await witness.check({ again: ['update'], ...(!serving && { mayRefuse: 'nothing had been started' }) });
        },
      };
}

function* strangersOnTheSocket(): Iterable<Case> {
  const LISTEN =
    'import socket,sys,time\ns=socket.socket(socket.AF_UNIX)\ns.bind(sys.argv[1])\ns.listen(8)\nprint(1,flush=True)\ntime.sleep(9999)';
  for (const command of [
    ['update'],
    ['start', 'b'],
    ['start', '--all'],
    ['restart', 'b'],
    ['stop', '--all'],
    ['switch'],
  ])
    for (const slot of ['a', 'b'] as const)
      for (const serving of [false, true])
        yield {
          row: 'a foreign process listens on our socket path',
          name: `slot ${slot}, ${serving ? 'serving' : 'empty'}: ${command.join(' ')}`,
          tried: ['I1', 'I3', 'I5', 'clear'],
          async run() {
            await using app = await createTestApp();
            using strangers = startStrangers(app.dir);
            if (serving) await app.succeed('start', slot === 'a' ? 'b' : 'a');
            else mkdirSync(app.stateDir, { mode: 0o750 });
            const foreign = spawn('python3', ['-c', LISTEN, app.socket(slot)], {
              stdio: ['ignore', 'pipe', 'inherit'],
            });
            try {
              await once(foreign.stdout, 'data');
              assertClear(await app.graceful(...command));
              assert.ok(runs(foreign.pid ?? 0) && foreign.signalCode === null, 'I3: it was ended');
              if (serving && command[0] !== 'stop') assert.equal((await app.get('/')).status, 200, 'I1');
            } finally {
              foreign.kill('SIGKILL');
              await once(foreign, 'close');
            }
            await app.succeed('update');
            assert.equal((await app.get('/')).status, 200, 'I5');
            strangers.assertAlive();
          },
        };
}
