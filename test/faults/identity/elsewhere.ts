// Backends and holders of another pid namespace, and records of another boot or another machine.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeFifo } from '../../rig/fifo.ts';
import { runs } from '../../rig/processes.ts';
import { BIN, cleanEnvironment, createTestApp, type TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { everyNth } from '../kit/seed.ts';
import { startStrangers } from '../kit/strangers.ts';
import type { Case, Form } from '../kit/suite.ts';
import { inNamespace } from './namespace.ts';

const COMMANDS = [
  ['update'],
  ['start', '--all'],
  ['stop', '--all'],
  ['restart', '--all'],
  ['stop', '--inactive'],
  ['switch'],
  ['keepalive'],
  ['status'],
];
const TRIED = ['I3', 'I5', 'I7', 'clear'] as const;

export function elsewhereCases(form: Form): readonly Case[] {
  const all = [...otherNamespace(), ...holderElsewhere(), ...otherBoot()];
  return form === 'long' ? all : everyNth(all, 19, 'elsewhere');
}

/** Something that goes on in a namespace of its own, and ends with it. */
async function elsewhere(app: TestApp, script: string): Promise<AsyncDisposable & { readonly pid: number }> {
  const [program = '', ...args] = inNamespace('reaps', '/bin/sh', '-c', `${script}; : > here; exec sleep 100000`);
  const child = spawn(program, args, {
    cwd: app.dir,
    env: { ...cleanEnvironment(), NODE: process.execPath, BIN },
    stdio: 'ignore',
  });
  await until('it has begun', () => existsSync(join(app.dir, 'here')) || child.exitCode !== null, 30_000);
  return {
    pid: child.pid ?? 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'close');
      await until('all of the namespace have gone', () => app.processes().every((pid) => !runs(pid)));
    },
  };
}

function* otherNamespace(): Iterable<Case> {
  for (const start of ['start', 'start b', 'start --all'])
    for (const command of COMMANDS)
      yield {
        row: 'a backend of the same boot in another pid namespace',
        name: `${start} there: ${command.join(' ')} here`,
        tried: TRIED,
        async run() {
          await using app = await createTestApp();
          using strangers = startStrangers(app.dir);
          {
            await using _ = await elsewhere(app, `"$NODE" "$BIN" ${start} >/dev/null 2>&1`);
            const theirs = app.processes();
            assert.ok(theirs.length > 0, 'nothing was started there');
            const run = await app.graceful(...command);
            assertClear(run);
            assert.deepEqual(
              theirs.filter((pid) => !runs(pid)),
              [],
              'I3: a process of another namespace was ended',
            );
            assert.deepEqual(
              run.events.filter((event) => event.type === 'backend-signalled' && theirs.includes(event.pid)),
              [],
              'I3',
            );
            strangers.assertAlive();
            if (command[0] !== 'stop') assert.equal((await app.get('/')).status, 200, 'I1');
            for (const pid of app.processes().filter((each) => !theirs.includes(each))) process.kill(pid, 'SIGKILL');
          }
          await app.succeed('update');
          await app.succeed('update');
          assert.equal((await app.get('/')).status, 200, 'I5');
          await app.succeed('stop', '--all');
          await until('I7', () => app.processes().length === 0);
          strangers.assertAlive();
        },
      };
}

function* holderElsewhere(): Iterable<Case> {
  for (const command of [['update'], ['start'], ['stop', '--all'], ['keepalive']])
    for (const end of ['lives', 'was killed'])
      yield {
        row: 'the holder of the lock is in another pid namespace',
        name: `it ${end}: ${command.join(' ')}`,
        tried: ['I3', 'I4', 'I5', 'clear'],
        async run() {
          await using app = await createTestApp();
          const fifo = makeFifo(join(app.dir, 'fifo'));
          app.configure({ hooks: { beforeStart: fifo.waitForIt } });
          {
            await using _ = await elsewhere(app, '("$NODE" "$BIN" update >/dev/null 2>&1 &)');
            await until('it holds the lock', fifo.isWaitedFor);
            app.configure({ hooks: {} });
            if (end === 'lives') {
              const waits = command[0] !== 'keepalive';
              // Long enough for it to touch the lock in between.
              const run = await app.graceful(...command, ...(waits ? ['--wait', '5s'] : []));
              assert.equal(run.code, waits ? 4 : 0, `I4: ${run.stdout}${run.stderr}`);
              assert.equal(existsSync(app.socket('a')), false, 'I4: done beside the holder');
            }
          }
          const waits = command[0] !== 'keepalive';
          const run = await app.graceful(...command, ...(waits ? ['--wait', '60s'] : []));
          assertClear(run);
          assert.equal(run.code, 0, `I5: ${run.stdout}${run.stderr}`);
          await app.succeed('update');
          assert.equal((await app.get('/')).status, 200, 'I5');
        },
      };
}

const BOOTS = ['00000000-0000-4000-8000-000000000000', '', 'ffffffff-ffff-4fff-bfff-ffffffffffff'];

function* otherBoot(): Iterable<Case> {
  for (const boot of BOOTS)
    for (const command of COMMANDS)
      for (const slot of ['a', 'b'] as const)
        yield {
          row: 'a record of another boot, or of another machine',
          name: `boot id ${boot || '(empty)'}, slot ${slot}: ${command.join(' ')}`,
          tried: TRIED,
          async run() {
            await using app = await createTestApp();
            await app.succeed('start', '--all');
            const pid = app.pid(slot) ?? assert.fail();
            // Another machine has neither our boot id nor our backend's instance.
            const file = app.file(`app-${slot}.backend.json`);
            const record = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
            writeFileSync(file, JSON.stringify({ ...record, bootId: boot, instance: 'of another machine' }));
            assertClear(await app.graceful(...command));
            assert.ok(runs(pid), 'I3: a process that no record proves to be ours was ended');
            process.kill(pid, 'SIGKILL');
            await until('it has gone', () => !runs(pid));
            await app.succeed('update');
            await app.succeed('update');
            assert.equal((await app.get('/')).status, 200, 'I5');
            await app.succeed('stop', '--all');
            await until('I7', () => app.processes().length === 0);
          },
        };
}
