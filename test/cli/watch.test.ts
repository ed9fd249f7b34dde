import assert from 'node:assert/strict';
import { test } from 'node:test';
import { showStatus } from '../../src/cli/show-status.ts';
import { watchStatus } from '../../src/cli/watch.ts';
import { CapturedStream } from './captured-stream.ts';
import { REPORT } from './samples.ts';

/** Looks this many times, then Ctrl-C. No time passes. */
const looks = (count: number) => {
  const ending = new AbortController();
  let left = count;
  const pause = async (): Promise<void> => {
    left -= 1;
    if (left === 0) ending.abort();
  };
  return { read: async () => REPORT, intervalMs: 1_000, signal: ending.signal, pause };
};

test('on a terminal the table is redrawn over itself and the cursor comes back', async () => {
  const stdout = new CapturedStream(100);
  assert.equal(await watchStatus({ ...looks(2), stdout }), REPORT);
  const drawn = stdout.take();
  assert.ok(drawn.startsWith('␛[?25lapp  desired up'), drawn);
  assert.equal(drawn.split('␍␛[5A').length, 2);
  assert.ok(drawn.endsWith('␛[J␛[?25h'), drawn);
});

test('as JSON each look is one line', async () => {
  const stdout = new CapturedStream(100);
  await watchStatus({ ...looks(3), stdout, json: true });
  assert.deepEqual(
    stdout.lines.map((line) => JSON.parse(line)),
    [REPORT, REPORT, REPORT],
  );
});

test('in a pipe there are tables and no control sequences', async () => {
  const stdout = new CapturedStream();
  await watchStatus({ ...looks(2), stdout });
  assert.ok(!stdout.text.includes('\u001b'));
  assert.equal(stdout.text.split('desired up').length, 3);
});

test('a watch whose reader went away ends by itself', async () => {
  const stdout = new CapturedStream();
  await watchStatus({ ...looks(1_000), stdout, pause: async () => stdout.break() });
  assert.equal(stdout.text.split('desired up').length, 2);
});

test('a failing look ends the watch and gives the terminal back', async () => {
  const stdout = new CapturedStream(100);
  const read = async (): Promise<never> => {
    throw new Error('gone');
  };
  await assert.rejects(watchStatus({ ...looks(1), stdout, read }), /gone/);
  assert.equal(stdout.take(), '␛[?25l␛[?25h');
});

test('an interrupted watch does not wait for its interval', async () => {
  const ending = new AbortController();
  const stdout = new CapturedStream();
  const read = async () => {
    setImmediate(() => ending.abort());
    return REPORT;
  };
  await watchStatus({ read, intervalMs: 3_600_000, stdout, signal: ending.signal });
});

test('`status -q` prints nothing: the exit code is the answer', async () => {
  const stdout = new CapturedStream();
  await showStatus(REPORT, { json: false, quiet: true, colour: false, stdout });
  assert.equal(stdout.text, '');
});

test('`status --json` is one object on one line', async () => {
  const stdout = new CapturedStream();
  await showStatus(REPORT, { json: true, quiet: false, colour: false, stdout });
  assert.deepEqual(JSON.parse(stdout.lines[0] ?? ''), REPORT);
  assert.equal(stdout.lines.length, 1);
});
