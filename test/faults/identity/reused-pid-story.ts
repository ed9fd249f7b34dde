// Run in a pid namespace: somebody of ours dies, and a stranger is given exactly that pid.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFifo } from '../../rig/fifo.ts';
import { runs, stateOf } from '../../rig/processes.ts';
import { createTestApp, PYTHON_APP, type TestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, startSupervisor } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { takePid } from './namespace.ts';

const [who = '', slot = 'a', leader = '', ...command] = process.argv.slice(2) as [
  string,
  'a' | 'b',
  string,
  ...string[],
];

const kill = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGKILL');
  await until(`${pid} has gone`, () => stateOf(pid) === null);
};
const pidIn = (app: TestApp, name: string): number =>
  (JSON.parse(readFileSync(app.file(name), 'utf8')) as { pid: number }).pid;

/** Makes it die; returns the pid that it had. */
async function death(app: TestApp): Promise<number> {
  switch (who) {
    case 'a backend': {
      await app.succeed('start', '--all');
      const pid = app.pid(slot) ?? assert.fail();
      await kill(pid);
      return pid;
    }
    case 'both backends, one after the other': {
      await app.succeed('start', '--all');
      const pid = app.pid(slot) ?? assert.fail();
      await kill(app.pid(slot === 'a' ? 'b' : 'a') ?? assert.fail());
      await kill(pid);
      return pid;
    }
    case 'a lock holder':
    case 'a hook': {
      if (slot === 'b') await app.succeed('start');
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const update = app.spawnGraceful(['update', '--json']);
      await until(
        'the hook runs',
        () => fifo.isWaitedFor() && /"pid":\d/.test(readFileSync(app.file('app.hook.json'), 'utf8')),
      );
      const hook = pidIn(app, 'app.hook.json');
      const holder = update.process.pid ?? assert.fail();
      await kill(holder);
      app.configure({ hooks: {} });
      if (who === 'a lock holder') return holder;
      await kill(hook);
      return hook;
    }
    case 'a worker of a backend': {
      await app.succeed('start', '--all');
      const pid = app.pid(slot) ?? assert.fail();
      const [worker = 0] = app.processes().filter((other) => other !== pid && sessionOf(other) === pid);
      await kill(worker);
      return worker;
    }
    case 'a backend that is being stopped': {
      await app.succeed('start', '--all');
      const pid = app.pid(slot) ?? assert.fail();
      const other = slot === 'a' ? 'b' : 'a';
      await app.succeed('switch', other);
      const stop = app.spawnGraceful(['stop', slot, '--json']);
      await stop.event('backend-signalled');
      await kill(pid);
      void stop.finished.then((run) => assert.equal(run.code, 0, `${run.stdout}${run.stderr}`));
      return pid;
    }
    default:
      throw new Error(`nobody dies as ${who}`);
  }
}

const sessionOf = (pid: number): number => {
  const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[3]);
};

await using app = await createTestApp(
  who === 'a worker of a backend'
    ? {
        config: { command: ['python3', '-u', process.env['SHAPES'] ?? '', PYTHON_APP], stopTimeout: '1s' },
        env: { APP_SHAPE: 'a grandchild that ignores SIGTERM' },
      }
    : {
        config: { stopTimeout: '1s', schedule: NO_SCHEDULE },
        env: who === 'a backend that is being stopped' ? { APP_ON_SIGTERM: 'ignore' } : {},
      },
);
const pid = await death(app);
const stranger = await takePid(pid, leader === 'leads a session');
const assertUnharmed = (after: string): void =>
  assert.ok(
    runs(pid) && stranger.exitCode === null && stranger.signalCode === null && stateOf(pid) === 'S',
    `I3: ${after} signalled the stranger with the pid of ${who}: ${stranger.signalCode ?? stateOf(pid)}`,
  );

if (command[0] === 'run') {
  await using supervisor = startSupervisor(app);
  await supervisor.begun;
  await supervisor.kill('SIGUSR2');
} else assertClear(await app.graceful(...command));
assertUnharmed(command.join(' '));
for (const next of [['update'], ['update'], ['stop', '--inactive'], ['stop', '--all']]) {
  await app.succeed(...next);
  assertUnharmed(next.join(' '));
  if (next[1] !== '--all') assert.equal((await app.get('/')).status, 200, 'I1');
}
assert.deepEqual(app.processes(), [], 'I7');
stranger.kill('SIGKILL');
