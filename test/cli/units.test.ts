import assert from 'node:assert/strict';
import { test } from 'node:test';
import { humanBytes, humanDuration, tickingDuration } from '../../src/cli/units.ts';

test('durations read as people say them', () => {
  const table: readonly (readonly [number, string])[] = [
    [-5, '0 ms'],
    [0, '0 ms'],
    [999, '999 ms'],
    [1_000, '1 s'],
    [3_249, '3.2 s'],
    [59_999, '59.9 s'],
    [60_000, '1m'],
    [312_000, '5m 12s'],
    [3_600_000, '1h'],
    [7_500_000, '2h 5m'],
    [3 * 86_400_000 + 4 * 3_600_000, '3d 4h'],
  ];
  for (const [ms, text] of table) assert.equal(humanDuration(ms), text);
});

test('a duration that ticks keeps its decimal', () => {
  assert.deepEqual([0, 3_000, 59_990, 61_000].map(tickingDuration), ['0.0 s', '3.0 s', '59.9 s', '1m 1s']);
});

test('bytes are never four digits', () => {
  assert.deepEqual([0, 512, 1_023, 1_500_000, 86_000_000, 3 * 1024 ** 3].map(humanBytes), [
    '0 B',
    '512 B',
    '1.0 KiB',
    '1.4 MiB',
    '82 MiB',
    '3.0 GiB',
  ]);
});
