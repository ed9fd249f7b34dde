import assert from 'node:assert/strict';
import { test } from 'node:test';
import { terminalOf } from '../../src/cli/terminal.ts';

const TTY = { stdoutIsTty: true, stderrIsTty: true, noColor: false, env: {} };

test('a terminal gets colours and a live line', () => {
  assert.deepEqual(terminalOf(TTY), { live: true, progressColour: true, answerColour: true });
});

test('each stream is asked for itself: answers in a pipe have no colours', () => {
  assert.deepEqual(terminalOf({ ...TTY, stdoutIsTty: false }), {
    live: true,
    progressColour: true,
    answerColour: false,
  });
});

test('--no-color and NO_COLOR take the colours, not the live line', () => {
  for (const facts of [
    { ...TTY, noColor: true },
    { ...TTY, env: { NO_COLOR: '1', FORCE_COLOR: '1' } },
  ]) {
    assert.deepEqual(terminalOf(facts), { live: true, progressColour: false, answerColour: false });
  }
});

test('an empty NO_COLOR is none', () => assert.equal(terminalOf({ ...TTY, env: { NO_COLOR: '' } }).answerColour, true));

test('CI and a dumb terminal get no live line', () => {
  assert.equal(terminalOf({ ...TTY, env: { CI: 'true' } }).live, false);
  assert.deepEqual(terminalOf({ ...TTY, env: { TERM: 'dumb' } }), {
    live: false,
    progressColour: false,
    answerColour: false,
  });
});

test('FORCE_COLOR colours a pipe', () => {
  assert.equal(terminalOf({ ...TTY, stdoutIsTty: false, env: { FORCE_COLOR: '1' } }).answerColour, true);
});
