// The kit of the fault battery itself: what it excuses, and what it counts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Answered, Lost } from './kit/client.ts';
import { assertNothingLost, type Excuse, untilMended } from './kit/excuses.ts';
import { Missed } from './kit/missed.ts';
import { describeTotal } from './kit/results.ts';
import { runSuite } from './kit/run-suite.ts';
import type { Case } from './kit/suite.ts';

const lost = (sentAt: number, lostAt: number, stage: Lost['stage'] = 'answer'): Lost => ({
  sentAt,
  lostAt,
  stage,
  error: 'lost',
});
const answered = (sentAt: number, answeredAt: number, instance = 'new'): Answered => ({ sentAt, answeredAt, instance });
const killed: Excuse = { why: 'the active backend was killed', covers: 'all', since: 100, dead: ['old'] };
const cut = (count: number | null) => ({ type: 'connections-cut', slot: 'a', count, afterMs: 1 }) as const;

test('an excuse begins with the deed, and ends when somebody who is alive has answered what was sent after it', () => {
  // What the dead one's workers answer means nothing, nor does what was sent before.
  const answers = [answered(90, 105), answered(110, 115, 'old'), answered(120, 130), answered(140, 150)];
  const isExcused = (one: Lost): void => assertNothingLost({ answers, lost: [one] }, [killed], []);
  isExcused(lost(80, 101));
  isExcused(lost(129, 200));
  isExcused(lost(116, 117, 'connect'));
  assert.throws(() => isExcused(lost(80, 99)), /I2: 1 requests were lost/, 'before it');
  assert.throws(() => isExcused(lost(131, 132)), /I2/, 'after it');
  assert.throws(() => assertNothingLost({ answers, lost: [lost(110, 111)] }, [], []), /I2/, 'without an excuse');
});

test('where nothing need be taken, what was taken must be answered', () => {
  const excuse: Excuse = { ...killed, covers: 'connects' };
  assertNothingLost({ answers: [], lost: [lost(110, 111, 'connect')] }, [excuse], []);
  assert.throws(() => assertNothingLost({ answers: [], lost: [lost(110, 111)] }, [excuse], []), /I2/);
});

test('a command that fails may lead the link back to nobody: what it costs is excused until it has ended, and mended', () => {
  const answers = [answered(110, 120), answered(210, 220)];
  const excuses = untilMended(killed, 200);
  assertNothingLost({ answers, lost: [lost(150, 151), lost(205, 206)] }, excuses, []);
  assert.throws(() => assertNothingLost({ answers, lost: [lost(221, 222)] }, excuses, []), /I2/);
});

test('a drain deadline excuses as many as its event tells', () => {
  const both = { answers: [], lost: [lost(1, 2), lost(1, 2)] };
  assertNothingLost(both, [], [cut(2)]);
  assertNothingLost(both, [], [cut(1), cut(1)]);
  assertNothingLost(both, [], [cut(null)]);
  assert.throws(() => assertNothingLost(both, [], [cut(1)]), /I2: 2 requests were lost, and 1 may have been cut/);
  assert.throws(() => assertNothingLost({ answers: [], lost: [lost(1, 2, 'connect')] }, [], [cut(2)]), /I2/);
});

test('a fault that missed its moment is begun anew, and counted apart when it missed again', async () => {
  let attempts = 0;
  const theCase = (name: string, run: () => Promise<void>, kind?: Case['kind']): Case => ({
    row: name,
    name,
    tried: ['I1'],
    ...(kind === undefined ? {} : { kind }),
    run,
  });
  const cases = [
    theCase('held', async () => undefined),
    theCase('missed once', async () => {
      attempts += 1;
      if (attempts === 1) throw new Missed('not this time');
    }),
    theCase('always missed', async () => {
      throw new Missed('nobody was there');
    }),
    theCase('broken', async () => assert.fail('I1'), 'input'),
  ];
  const endings: string[] = [];
  const rows = await runSuite(
    { name: 'of the test', concurrency: 1, cases: () => cases },
    { form: 'short', only: '' },
    (_, ending) => endings.push(ending.type),
  );
  assert.deepEqual(endings, ['held', 'held', 'missed', 'broken']);
  assert.deepEqual(
    rows.map(({ run, broken, missed, tried }) => [run, broken, missed, tried.join()]),
    [
      [1, 0, 0, 'I1'],
      [1, 0, 0, 'I1'],
      [0, 0, 1, ''],
      [1, 1, 0, 'I1'],
    ],
  );
  assert.equal(
    describeTotal(rows),
    '3 cases, of which 2 with real processes and 1 inputs to a function; 1 missed; 1 broken',
  );
});
