// The README's first command does what it says, and leaves nothing behind.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { SKIP_IN_SHORT } from './rig/extent.ts';
import { argumentsOf, processesWith } from './rig/processes.ts';
import { cleanEnvironment } from './rig/test-app.ts';
import { until } from './rig/until.ts';

const DEMO = fileURLToPath(new URL('./demo/demo.js', import.meta.url));

/** In the order of their rows. */
const VERSIONS = ['v1', 'v2', 'v3', 'v4', 'v5', 'v6'];

test('the demo updates an app under load, refuses a broken version, rolls back, and loses no request', {
  skip: SKIP_IN_SHORT,
}, async (t) => {
  const startedAt = performance.now();
  await using demo = startDemo();
  const [code] = await once(demo.process, 'close');
  const seconds = (performance.now() - startedAt) / 1000;
  const text = demo.text();

  assert.equal(code, 0, text);
  assert.ok(!text.includes('\u001b') && !text.includes('\r'), 'in a pipe there are plain lines only');
  const { all, failed, ...requests } = tableOf(text);
  assert.equal(failed, 0, text);
  assert.deepEqual(Object.keys(requests), VERSIONS);
  for (const version of VERSIONS) {
    if (version === 'v5') assert.equal(requests[version], 0, 'the broken version gets no request');
    else assert.ok((requests[version] ?? 0) > 0, `${version} answered\n${text}`);
  }
  assert.equal(
    Object.values(requests).reduce((sum, count) => sum + count, 0),
    all,
    'every request was answered by one of the versions',
  );
  assert.match(text, /^ {2}failed +0 +refused 0 · reset 0 · timed out 0 · non-2xx 0 · wrong body 0$/m);
  assert.match(text, /^ {4}graceful: a: the backend exited with code 3 .*, before it was ready$/m);
  assert.match(text, /: not one lost\.\n$/);
  assertGone(text);
  // Half a minute on a machine with nothing else to do.
  t.diagnostic(`${seconds.toFixed(1)} s`);
});

test('the demo can be interrupted, and takes everything down', async () => {
  await using demo = startDemo();
  await until('the first update is under way', () => demo.text().includes('ln -sfn releases/v2'));
  demo.process.kill('SIGINT');
  const [code] = await once(demo.process, 'close');
  assert.equal(code, 130, demo.text());
  assertGone(demo.text());
});

interface Demo extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly text: () => string;
}

function startDemo(): Demo {
  const child = spawn(process.execPath, [DEMO], { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let text = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  }
  return {
    process: child,
    text: () => text,
    async [Symbol.asyncDispose]() {
      if (child.exitCode !== null || child.signalCode !== null) return;
      child.kill('SIGTERM');
      await once(child, 'close');
    },
  };
}

/** The counts of the last table, per row: the versions, `all` and `failed`. */
const tableOf = (text: string): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [...text.slice(text.indexOf('  VERSION ')).matchAll(/^ {2}(v\d+|all|failed) +([\d,]+)/gm)].map(([, row, count]) => [
      row,
      Number(count?.replaceAll(',', '')),
    ]),
  );

/** Neither its directory nor a process of it is left. */
function assertGone(text: string): void {
  const dir = /\/tmp\/[^/\s,]+/.exec(text)?.[0] ?? assert.fail(text);
  assert.equal(existsSync(dir), false, `${dir} is still there`);
  const left = processesWith('GRACEFUL_SOCKET', `${dir}/`);
  assert.deepEqual(left.map(argumentsOf), []);
}
