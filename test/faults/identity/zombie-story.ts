// Run in a pid namespace whose PID 1 does not reap: who dies stays a zombie, and answers kill(pid, 0) for ever.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFifo } from '../../rig/fifo.ts';
import { stateOf } from '../../rig/processes.ts';
import { BIN, cleanEnvironment, createTestApp, type TestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, startSupervisor } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';

const [who = '', slot = 'a', ...command] = process.argv.slice(2) as [string, 'a' | 'b', ...string[]];

async function makeZombie(pid: number): Promise<number> {
  process.kill(pid, 'SIGKILL');
  await until(`${pid} is a zombie`, () => stateOf(pid) === 'Z');
  process.kill(pid, 0); // it answers
  return pid;
}

async function death(app: TestApp): Promise<readonly number[]> {
  if (who === 'a backend' || who === 'both backends') {
    await app.succeed('start', '--all');
    const slots = who === 'a backend' ? ([slot] as const) : (['a', 'b'] as const);
    return Promise.all(slots.map((each) => makeZombie(app.pid(each) ?? assert.fail())));
  }
  // A lock holder, or its hook, whom nobody waits for.
  if (slot === 'b') await app.succeed('start');
  const fifo = makeFifo(join(app.dir, 'fifo'));
  app.configure({ hooks: { beforeStart: fifo.waitForIt } });
  spawn('/bin/sh', ['-c', '"$@" >/dev/null 2>&1 &', 'sh', process.execPath, BIN, 'update'], {
    cwd: app.dir,
    env: cleanEnvironment(),
    stdio: 'ignore',
  });
  await until(
    'the hook runs',
    () => fifo.isWaitedFor() && /"pid":\d/.test(readFileSync(app.file('app.hook.json'), 'utf8')),
  );
  const pidIn = (name: string) => (JSON.parse(readFileSync(app.file(name), 'utf8')) as { pid: number }).pid;
  const hook = pidIn('app.hook.json');
  const dead = [await makeZombie(pidIn('app.lock-holder.json'))];
  if (who === 'a lock holder and its hook') dead.push(await makeZombie(hook));
  app.configure({ hooks: {} });
  return dead;
}

await using app = await createTestApp({ config: { schedule: NO_SCHEDULE, stopTimeout: '1s' } });
const dead = await death(app);
const startedAt = performance.now();
if (command[0] === 'run') {
  await using supervisor = startSupervisor(app);
  await supervisor.begun;
  await supervisor.kill('SIGUSR2');
} else assertClear(await app.graceful(...command));
const ms = performance.now() - startedAt;
assert.ok(ms < 30_000, `clear: ${command.join(' ')} took ${ms} ms beside a zombie`);
for (const { pid } of (await app.status()).slots) assert.ok(!dead.includes(pid ?? 0), 'a zombie is shown as running');
for (const next of [['update'], ['update'], ['stop', '--inactive']]) {
  await app.succeed(...next);
  assert.equal((await app.get('/')).status, 200, 'I1');
}
await app.succeed('stop', '--all');
await until('I7: all have gone', () => app.processes().length === 0);
