// Processes that are stopped by SIGSTOP: they live, and do nothing.
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { makeFifo } from '../../rig/fifo.ts';
import { stateOf } from '../../rig/processes.ts';
import { createTestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { watch } from '../kit/invariants.ts';
import { everyNth } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';

const COMMANDS = [
  ['update'],
  ['start', '--all'],
  ['stop', 'b'],
  ['stop', '--all'],
  ['restart', '--all'],
  ['restart', 'b'],
  ['switch'],
  ['stop', '--inactive'],
  ['keepalive'],
];
const ALL = ['I1', 'I3', 'I4', 'I5', 'I6', 'I7', 'clear'] as const;

export function suspendedCases(form: Form): readonly Case[] {
  const all = [...holders(), ...backends(), ...supervisors()];
  return form === 'long' ? all : everyNth(all, 17, 'suspended');
}

const suspend = async (pid: number): Promise<void> => {
  process.kill(pid, 'SIGSTOP');
  await until(`${pid} is suspended`, () => stateOf(pid) === 'T');
};

function* holders(): Iterable<Case> {
  for (const command of COMMANDS)
    for (const end of ['goes on', 'is killed'])
      yield {
        row: 'the holder of the lock is suspended',
        name: `the holder ${end}: ${command.join(' ')}`,
        tried: ALL,
        async run() {
          await using app = await createTestApp();
          await app.succeed('start', '--all');
          const fifo = makeFifo(join(app.dir, 'fifo'));
          app.configure({ hooks: { beforeStart: fifo.waitForIt } });
          const holder = app.spawnGraceful(['update', '--json']);
          await until('it holds the lock', fifo.isWaitedFor);
          app.configure({ hooks: {} });
          await suspend(holder.process.pid ?? 0);
          const before = [app.linkIdentity(), ...app.processes()];
          const waits = command[0] !== 'keepalive' && command[1] !== '--inactive';
          const startedAt = performance.now();
          const run = await app.graceful(...command, ...(waits ? ['--wait', '500ms'] : []));
          assertClear(run);
          assert.equal(run.code, waits ? 4 : 0, `I4: ${run.stdout}${run.stderr}`);
          assert.ok(performance.now() - startedAt < 10_000, 'clear: it waited longer than --wait');
          assert.deepEqual([app.linkIdentity(), ...app.processes()], before, 'I4: done beside the holder');
          if (end === 'goes on') {
            process.kill(holder.process.pid ?? 0, 'SIGCONT');
            fifo.release();
            assert.equal((await holder.finished).code, 0);
          } else {
            process.kill(holder.process.pid ?? 0, 'SIGKILL');
            await holder.finished;
          }
          await using witness = await watch(app);
          await witness.check({ again: ['update'] });
        },
      };
}

function* backends(): Iterable<Case> {
  for (const which of ['active', 'inactive', 'both'] as const)
    for (const command of COMMANDS)
      for (const connected of [false, true])
        yield {
          row: which === 'inactive' ? 'the inactive backend is suspended' : 'the active backend is suspended',
          name: `${which}, ${connected ? 'with' : 'without'} clients: ${command.join(' ')}`,
          tried: ['I3', 'I5', 'I7', 'clear'],
          async run() {
            const health = { type: 'http', path: '/healthz', interval: '20ms', timeout: '2s', failures: 1 };
            await using app = await createTestApp({
              config: { health, drainTimeout: '1s', stopTimeout: '500ms', startTimeout: '1m' },
            });
            await app.succeed('start', '--all');
            await using witness = await watch(app, { clients: connected ? 2 : 0 });
            for (const slot of which === 'both' ? (['a', 'b'] as const) : ([which === 'active' ? 'a' : 'b'] as const))
              await suspend(app.pid(slot) ?? assert.fail());
            assertClear(await app.graceful(...command));
            // What is suspended and was not replaced goes on.
            for (const pid of app.processes()) process.kill(pid, 'SIGCONT');
            await witness.check({ mayLose: 'a backend was suspended', again: ['update'] });
          },
        };
}

function* supervisors(): Iterable<Case> {
  for (const command of COMMANDS)
    for (const end of ['SIGCONT', 'SIGKILL'] as const)
      yield {
        row: 'the supervisor is suspended',
        name: `then ${end}: ${command.join(' ')}`,
        tried: ALL,
        async run() {
          await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
          await using supervisor = await supervise(app);
          await app.succeed('start', '--all');
          await suspend(supervisor.pid);
          const startedAt = performance.now();
          const run = await app.graceful(...command);
          assertClear(run);
          assert.ok(performance.now() - startedAt < 40_000, 'clear: it waits for the suspended supervisor');
          supervisor.process.kill(end);
          if (end === 'SIGKILL') await supervisor.ended;
          const taken = command.join(' ') === 'stop --all';
          if (taken) await until('I6: nothing runs', () => app.processes().length === 0);
          await using witness = await watch(app);
          await witness.check({ again: ['update'], ...(taken && { mayRefuse: 'it was taken down' }) });
        },
      };
}
