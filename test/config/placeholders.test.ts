import assert from 'node:assert/strict';
import { test } from 'node:test';
import { replacePlaceholders } from '../../src/config/placeholders.ts';

const values = { socket: '/run/app/app-b.socket', slot: 'b', name: 'app', stateDir: '/run/app' } as const;

test('each placeholder is replaced wherever it stands', () => {
  const replaced = replacePlaceholders('--bind=unix:{socket} {slot}{slot} {name} {stateDir}/x', values);
  assert.equal(replaced, '--bind=unix:/run/app/app-b.socket bb app /run/app/x');
});

test('other braces are left alone', () => {
  for (const text of ['{"slot":{"a":1}}', '{foo}', '{}', '{ socket }', '{SOCKET}', '${socket', '{toString}']) {
    assert.equal(replacePlaceholders(text, values), text);
  }
});

test('a value that looks like a placeholder is not replaced again', () => {
  assert.equal(replacePlaceholders('{stateDir}', { ...values, stateDir: '/srv/{name}/$&' }), '/srv/{name}/$&');
});
