import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseDuration } from '../../src/config/duration.ts';

test('a duration is a number with a unit, or milliseconds', () => {
  const table: [string | number, number | null][] = [
    ['500ms', 500],
    ['30s', 30_000],
    ['1.5s', 1_500],
    ['5m', 300_000],
    ['1h', 3_600_000],
    ['1d', 86_400_000],
    ['0s', 0],
    [250, 250],
    [0, 0],
  ];
  for (const [input, ms] of table) assert.equal(parseDuration(input), ms, String(input));
});

test('what is no duration is null, never zero', () => {
  const wrong = [
    '',
    '5',
    '5 m',
    '-5s',
    '+5s',
    '5M',
    '5min',
    's',
    '.5s',
    '5m30s',
    `${'9'.repeat(30)}d`,
    -1,
    Number.NaN,
    Infinity,
  ];
  for (const input of wrong) assert.equal(parseDuration(input), null, String(input));
});
