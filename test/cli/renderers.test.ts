import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRenderer, type RendererOptions } from '../../src/cli/renderers/create-renderer.ts';
import type { Renderer } from '../../src/cli/renderers/renderer.ts';
import type { GracefulEvent } from '../../src/core/events.ts';
import type { Outcome } from '../../src/core/outcome.ts';
import { CapturedStream } from './captured-stream.ts';
import { EVENTS, failureOf } from './samples.ts';

const HEALTHY: Outcome = { operation: 'keepalive', action: 'none', active: 'a', reason: 'a is healthy', ms: 2 };
const SWITCHED: Outcome = { operation: 'switch', from: 'a', to: 'b', changed: true, ms: 5 };

const render = async (options: Partial<RendererOptions>, show: (renderer: Renderer) => void) => {
  const [stdout, stderr] = [new CapturedStream(), new CapturedStream()];
  const renderer = await createRenderer({
    json: false,
    quiet: false,
    tty: false,
    colour: false,
    stdout,
    stderr,
    ...options,
  });
  show(renderer);
  renderer.close();
  return { out: stdout.lines, err: stderr.lines };
};

test('plain: progress goes to stderr, one line per event, and the answer to stdout', async () => {
  const events = Object.values<GracefulEvent>(EVENTS);
  const { out, err } = await render({}, (renderer) => {
    events.forEach(renderer.event);
    renderer.outcome(SWITCHED);
  });
  assert.equal(err.length, events.length);
  assert.deepEqual(out, ['b is active now; `graceful switch a` takes this back']);
});

test('plain: a healthy keepalive prints nothing at all, so cron sends no mail', async () => {
  assert.deepEqual(await render({}, (renderer) => renderer.outcome(HEALTHY)), { out: [], err: [] });
});

test('plain: a busy keepalive says so', async () => {
  const { out } = await render({}, (renderer) =>
    renderer.outcome({ ...HEALTHY, action: 'busy', reason: 'update (pid 17)' }),
  );
  assert.deepEqual(out, ['nothing done, another operation holds the lock: update (pid 17)']);
});

test('plain: a long wait tells what is new, and every ten seconds that it goes on', async () => {
  const seen = (elapsedMs: number, detail: string): GracefulEvent => ({
    type: 'still-waiting',
    for: 'drain',
    slot: 'a',
    elapsedMs,
    detail,
  });
  const { err } = await render({}, (renderer) => {
    renderer.event({ type: 'waiting', for: 'drain', slot: 'a', timeoutMs: 30_000 });
    for (let elapsedMs = 100; elapsedMs <= 15_000; elapsedMs += 100)
      renderer.event(seen(elapsedMs, elapsedMs < 5_000 ? '2 connections' : '1 connection'));
  });
  assert.deepEqual(err, [
    'a: draining, up to 30 s',
    'a: still draining after 1 s: 2 connections',
    'a: still draining after 5 s: 1 connection',
    'a: still draining after 15 s: 1 connection',
  ]);
});

test('quiet: nothing but the failure', async () => {
  const shown = await render({ quiet: true, tty: true }, (renderer) => {
    renderer.event(EVENTS['backend-started']);
    renderer.outcome(SWITCHED);
    renderer.failure(failureOf('aborted'));
  });
  assert.deepEqual(shown, {
    out: [],
    err: ['graceful: aborted by SIGINT', 'What had been done was undone. Traffic is where it was.'],
  });
});

test('json: every event is a line on stdout, and the last line is the outcome', async () => {
  const { out, err } = await render({ json: true, tty: true }, (renderer) => {
    renderer.event(EVENTS['backend-ready']);
    renderer.event({ ...EVENTS['traffic-switched'], at: '2025-06-01T03:00:00.000Z', seq: 9 });
    renderer.outcome(SWITCHED);
  });
  const lines = out.map((line) => JSON.parse(line));
  assert.deepEqual(err, []);
  assert.deepEqual({ ...lines[0].event, at: '' }, { ...EVENTS['backend-ready'], at: '', seq: 1 });
  assert.match(lines[0].event.at, /^\d{4}-.*Z$/);
  assert.deepEqual(lines.slice(1), [
    { event: { ...EVENTS['traffic-switched'], at: '2025-06-01T03:00:00.000Z', seq: 9 } },
    { outcome: SWITCHED },
  ]);
});

test('json: a failure is the last line on stdout, with code, message and details', async () => {
  const { out, err } = await render({ json: true }, (renderer) => renderer.failure(failureOf('busy')));
  assert.deepEqual([out.map((line) => JSON.parse(line)), err], [[{ failure: failureOf('busy') }], []]);
});

for (const options of [{ json: true }, { tty: true }, {}]) {
  test(`a reader that went away stops nothing (${JSON.stringify(options)})`, async () => {
    class Hostile extends CapturedStream {
      override write(): boolean {
        throw Object.assign(new Error('write EIO'), { code: 'EIO' });
      }
    }
    await render({ ...options, stdout: new Hostile(80), stderr: new Hostile(80) }, (renderer) => {
      for (const event of Object.values<GracefulEvent>(EVENTS)) renderer.event(event);
      renderer.outcome(SWITCHED);
      renderer.failure(failureOf('busy'));
    });
  });
}
