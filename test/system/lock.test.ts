// The lock itself, between real processes that die while they hold it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { tempDir } from '../rig/temp-dir.ts';

// Takes the lock again and again; what it does inside shows itself by an abstract socket, which the kernel allows one
// process only and frees with its holder. In its last turn it dies inside.
const WORKER = `
import { createServer } from 'node:net';
import { appendFileSync } from 'node:fs';
const [acquirePath, statePathsPath, dir, rounds] = process.argv.slice(1);
const { acquireLock } = await import(acquirePath);
const { statePaths } = await import(statePathsPath);
const paths = statePaths(dir, 'app');
const emit = (event) => appendFileSync(dir + '/events', event.type + '\\n');
const request = { operation: 'test', waitMs: 60_000, signal: new AbortController().signal, emit, onLost: (reason) => { throw reason; } };
for (let round = 1; round <= Number(rounds); round += 1) {
  const lock = await acquireLock(paths, request);
  const inside = createServer();
  await new Promise((resolve, reject) => inside.once('error', reject).listen('\\0' + dir, resolve));
  appendFileSync(dir + '/turns', 'x');
  if (round === Number(rounds)) process.kill(process.pid, 'SIGKILL');
  await new Promise((resolve) => inside.close(resolve));
  await lock[Symbol.asyncDispose]();
}
`;

const WORKERS = 8;
const ROUNDS = 10;

it('the lock is held by one process at a time, also while holders die and others take over', async () => {
  await using dir = await tempDir();
  const modules = ['lock', 'state-paths'].map((name) => new URL(`../../src/system/${name}.js`, import.meta.url).href);
  const workers = Array.from({ length: WORKERS }, () =>
    spawn(process.execPath, ['--input-type=module', '-e', WORKER, '--', ...modules, dir.path, String(ROUNDS)], {
      cwd: fileURLToPath(new URL('.', import.meta.url)),
      stdio: ['ignore', 'ignore', 'pipe'],
    }),
  );
  const ends = await Promise.all(
    workers.map(async (worker) => {
      let stderr = '';
      worker.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      const [, signal] = await once(worker, 'close');
      return `${signal}${stderr}`;
    }),
  );
  assert.deepEqual(ends, Array(WORKERS).fill('SIGKILL'), 'two were inside at the same time');
  assert.equal(readFileSync(dir.join('turns'), 'utf8').length, WORKERS * ROUNDS);
  const takenOver = readFileSync(dir.join('events'), 'utf8')
    .split('\n')
    .filter((type) => type === 'lock-taken-over');
  assert.equal(takenOver.length, WORKERS - 1, 'each dead holder was followed by one who took over');
});

it('a lock that somebody made by hand and left is no obstacle', async () => {
  await using dir = await tempDir();
  const { acquireLock } = await import('../../src/system/lock.ts');
  const { statePaths } = await import('../../src/system/state-paths.ts');
  const paths = statePaths(dir.path, 'app');
  mkdirSync(paths.lock);
  const events: string[] = [];
  const lock = await acquireLock(paths, {
    operation: 'test',
    waitMs: 0,
    signal: new AbortController().signal,
    emit: (event) => events.push(event.type),
    onLost: assert.fail,
  });
  assert.deepEqual(events, ['lock-taken-over']);
  await lock[Symbol.asyncDispose]();
  assert.deepEqual([existsSync(paths.lock), existsSync(paths.lockHolder)], [false, false]);
});

it('a lock that this very process failed to release is not in its own way', async () => {
  await using dir = await tempDir();
  const { acquireLock } = await import('../../src/system/lock.ts');
  const { statePaths } = await import('../../src/system/state-paths.ts');
  const paths = statePaths(dir.path, 'app');
  const acquire = () =>
    acquireLock(paths, {
      operation: 'test',
      waitMs: 0,
      signal: new AbortController().signal,
      emit: () => undefined,
      onLost: assert.fail,
    });
  const first = await acquire();
  await assert.rejects(acquire(), /another operation holds the lock/);
  const holder = readFileSync(paths.lockHolder, 'utf8');
  await first[Symbol.asyncDispose]();
  // As after a release during which the disk answered EIO.
  mkdirSync(paths.lock);
  writeFileSync(paths.lockHolder, holder);
  await (await acquire())[Symbol.asyncDispose]();
});
