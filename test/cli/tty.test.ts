import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { outputTo } from '../../src/cli/output.ts';
import { ttyRenderer } from '../../src/cli/renderers/tty.ts';
import { CapturedStream } from './captured-stream.ts';
import { EVENTS, failureOf } from './samples.ts';

/** A terminal with a clock that only moves when told to. */
const rig = (columns = 80, colour = false) => {
  const [stdout, stderr] = [new CapturedStream(columns), new CapturedStream(columns)];
  let nowMs = 1_000_000;
  let tick: (() => void) | null = null;
  const renderer = ttyRenderer({
    stdout: outputTo(stdout),
    stderr: outputTo(stderr),
    colour,
    now: () => nowMs,
    every: (_ms, onTick) => {
      tick = onTick;
      return () => {
        tick = null;
      };
    },
  });
  return {
    renderer,
    stdout,
    stderr,
    isTicking: () => tick !== null,
    pass: (ms: number) => {
      nowMs += ms;
      tick?.();
    },
  };
};

test('a wait is one live line with a spinner, the time it takes and what was seen last', () => {
  const { renderer, stderr, pass } = rig();
  renderer.event({ type: 'waiting', for: 'ready', slot: 'b', timeoutMs: 60_000 });
  assert.equal(stderr.take(), '␛[?25l␍␛[2K⠋ b  waiting for health · 0.0 s␍');
  pass(3_200);
  assert.equal(stderr.take(), '␍␛[2K⠙ b  waiting for health · 3.2 s␍');
  renderer.event({ type: 'still-waiting', for: 'ready', slot: 'b', elapsedMs: 3_200, detail: 'HTTP 503' });
  assert.equal(stderr.take(), '␍␛[2K⠙ b  waiting for health · 3.2 s · HTTP 503␍');
});

test('the fact that ends a wait takes its place, and the cursor comes back', () => {
  const { renderer, stderr, isTicking } = rig();
  renderer.event({ type: 'waiting', for: 'ready', slot: 'b', timeoutMs: 60_000 });
  assert.equal(isTicking(), true);
  stderr.take();
  renderer.event(EVENTS['backend-ready']);
  assert.equal(stderr.take(), '␍␛[2K✔ b  ready after 3.2 s (200 OK)\n␍␛[2K␛[?25h');
  assert.equal(isTicking(), false);
});

test('a fact about another slot is printed above the live line', () => {
  const { renderer, stderr } = rig();
  renderer.event({ type: 'waiting', for: 'drain', slot: 'a', timeoutMs: 30_000, detail: '2 connections' });
  stderr.take();
  renderer.event(EVENTS['switch-verified']);
  assert.equal(
    stderr.take(),
    '␍␛[2K✔ b  answers through the link, in 4 ms (200 OK)\n␍␛[2K⠋ a  draining · 0.0 s · 2 connections␍',
  );
});

test('the wait for another operation ends with the first thing that happens', () => {
  const { renderer, isTicking } = rig();
  renderer.event({ type: 'waiting', for: 'lock', timeoutMs: 60_000, detail: 'update (pid 17)' });
  assert.equal(isTicking(), true);
  renderer.event(EVENTS['backend-started']);
  assert.equal(isTicking(), false);
});

test('the live line never wraps, so that it can always be erased', () => {
  const { renderer, stderr } = rig(30);
  renderer.event({ type: 'waiting', for: 'ready', slot: 'b', timeoutMs: 60_000, detail: 'x'.repeat(200) });
  const drawn = stripVTControlCharacters(stderr.text).replaceAll('\r', '');
  assert.equal([...drawn].length, 29);
  assert.ok(drawn.endsWith('…'));
});

test('facts wrap to the terminal, under themselves', () => {
  const { renderer, stderr } = rig(40);
  renderer.event(EVENTS['backend-started']);
  assert.equal(stderr.take(), '· b  started, pid 42, in\n     /srv/app/releases/7 (release\n     01234567)\n');
});

test('a failure clears the live line and says everything on stderr', () => {
  const { renderer, stdout, stderr, isTicking } = rig();
  renderer.event({ type: 'waiting', for: 'ready', slot: 'b', timeoutMs: 60_000 });
  stderr.take();
  renderer.failure(failureOf('aborted'));
  assert.equal(
    stderr.take(),
    '␍␛[2K␛[?25h✖ aborted by SIGINT\nWhat had been done was undone. Traffic is where it was.\n',
  );
  assert.equal(stdout.take(), '');
  assert.equal(isTicking(), false);
});

test('closing in the middle of a wait gives the terminal back, once', () => {
  const { renderer, stderr, isTicking } = rig();
  renderer.event({ type: 'waiting', for: 'ready', slot: 'b', timeoutMs: 60_000 });
  stderr.take();
  renderer.close();
  renderer.close();
  assert.equal(stderr.take(), '␍␛[2K␛[?25h');
  assert.equal(isTicking(), false);
});

test('without colour there is no colour code; with it the text is the same', () => {
  const [without, withColour] = [rig(80, false), rig(80, true)];
  for (const { renderer } of [without, withColour]) renderer.event(EVENTS['traffic-switched']);
  assert.equal(without.stderr.text, '→ b  active now, traffic moved here from a\n');
  assert.notEqual(withColour.stderr.text, without.stderr.text);
  assert.equal(stripVTControlCharacters(withColour.stderr.text), without.stderr.text);
});

test('a person at a terminal is told that there was nothing to do', () => {
  const { renderer, stdout } = rig();
  renderer.outcome({ operation: 'keepalive', action: 'none', active: 'a', reason: 'a is healthy', ms: 2 });
  assert.equal(stdout.take(), 'nothing to do: a is healthy\n');
});
