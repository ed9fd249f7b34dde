// What the operations choose, held against tables: one line per situation.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  drainVerdict,
  firstLook,
  inactiveForMs,
  type RunningBackend,
  slotsToEmpty,
  slotsToRestart,
  slotsToStart,
  slotsToTry,
  slotToHeal,
  slotToUpdate,
} from '../../src/core/plan.ts';
import type { Slot } from '../../src/core/slot.ts';

const START = '2026-01-01T00:00:00.000Z';
const backend = (changes: Partial<RunningBackend> = {}): RunningBackend => ({
  instance: 'one',
  startedAt: START,
  stoppingAt: null,
  ...changes,
});

/** `ab`: something is left in both slots; `-b`: only in b; `s-`: somebody whom no record names listens in a. */
const slots = (text: string) => ({
  a: text.includes('a') ? backend() : null,
  b: text.includes('b') ? backend() : null,
});
const strangers = (text: string) => ({ a: text[0] === 's', b: text[1] === 's' });

describe('the slot that is', () => {
  //      active, occupied, updated, healed
  const TABLE: readonly (readonly [Slot | null, string, Slot, Slot])[] = [
    [null, '--', 'a', 'a'],
    [null, 'a-', 'b', 'b'],
    [null, '-b', 'a', 'a'],
    [null, 'ab', 'a', 'a'],
    ['a', '--', 'b', 'b'],
    ['a', 'a-', 'b', 'b'],
    ['a', '-b', 'b', 'a'],
    ['a', 'ab', 'b', 'b'],
    ['b', '--', 'a', 'a'],
    ['b', 'a-', 'a', 'b'],
    ['b', '-b', 'a', 'a'],
    ['b', 'ab', 'a', 'a'],
    [null, 's-', 'b', 'b'],
    [null, '-s', 'a', 'a'],
    [null, 'sb', 'b', 'b'],
    [null, 'as', 'a', 'a'],
    [null, 'ss', 'a', 'a'],
    ['a', 's-', 'b', 'b'],
    ['a', 'sb', 'b', 'b'],
    ['a', '-s', 'b', 'a'],
    ['a', 'as', 'b', 'b'],
    ['b', '-s', 'a', 'a'],
    ['b', 's-', 'a', 'b'],
  ];
  for (const [active, occupied, updated, healed] of TABLE)
    it(`updated with ${active ?? 'nothing'} active and ${occupied} occupied is ${updated}, and ${healed} when it is dead`, () => {
      const room = { active, occupants: slots(occupied), strangers: strangers(occupied) };
      assert.equal(slotToUpdate(room), updated);
      assert.equal(slotToHeal(room), healed);
    });
});

describe('the slots that are', () => {
  const none = { slots: [], all: false, inactive: false };

  it('started are those that are named, both, or the one that the link leads to', () => {
    const room = (active: Slot | null, text = '--') => ({ active, strangers: strangers(text) });
    assert.deepEqual(slotsToStart({ slots: ['b'], all: false }, room('a')), ['b']);
    assert.deepEqual(slotsToStart({ slots: [], all: true }, room('b')), ['a', 'b']);
    assert.deepEqual(slotsToStart({ slots: [], all: false }, room('b')), ['b']);
    assert.deepEqual(slotsToStart({ slots: [], all: false }, room(null)), ['a']);
    assert.deepEqual(slotsToStart({ slots: [], all: false }, room(null, 's-')), ['b']);
  });

  it('restarted come with the active one last', () => {
    assert.deepEqual(slotsToRestart({ ...none, all: true }, 'a'), ['b', 'a']);
    assert.deepEqual(slotsToRestart({ ...none, all: true }, 'b'), ['a', 'b']);
    assert.deepEqual(slotsToRestart({ ...none, slots: ['a', 'b'] }, 'a'), ['b', 'a']);
    assert.deepEqual(slotsToRestart({ ...none, slots: ['a'] }, 'a'), ['a']);
    assert.deepEqual(slotsToRestart({ ...none, inactive: true }, 'a'), ['b']);
    assert.deepEqual(slotsToRestart({ ...none, inactive: true }, null), ['a', 'b']);
  });

  it('looked at by stop --inactive are those in which something is left and that are not active', () => {
    assert.deepEqual(slotsToEmpty({ active: 'a', occupants: slots('ab') }), ['b']);
    assert.deepEqual(slotsToEmpty({ active: 'a', occupants: slots('a-') }), []);
    assert.deepEqual(slotsToEmpty({ active: null, occupants: slots('ab') }), ['a', 'b']);
  });

  it('tried when traffic has to go somewhere never include the one where it is', () => {
    assert.deepEqual(slotsToTry('a'), ['b']);
    assert.deepEqual(slotsToTry('b'), ['a']);
    assert.deepEqual(slotsToTry(null), ['a', 'b']);
  });
});

describe('a slot is inactive', () => {
  const now = Date.parse(START) + 60_000;
  const since = (linkSince: number | null, startedAt: string | null) =>
    inactiveForMs(
      {
        desired: 'up',
        active: 'a',
        link: { since: linkSince },
        backends: { a: null, b: startedAt === null ? null : backend({ startedAt }) },
        occupants: slots('ab'),
      },
      'b',
      now,
    );

  it('since the link moved', () => assert.equal(since(now - 5_000, START), 5_000));
  it('since its start when that was later', () => assert.equal(since(now - 90_000, START), 60_000));
  it('since its start when there is no link', () => assert.equal(since(null, START), 60_000));
  it('since the link moved when nothing is known of its start', () => {
    assert.equal(since(now - 5_000, null), 5_000);
    assert.equal(since(now - 5_000, 'rubbish'), 5_000);
  });
});

describe('keepalive, before it asks the backend,', () => {
  const look = (changes: Partial<Parameters<typeof firstLook<RunningBackend>>[0]>) =>
    firstLook({ desired: 'up', active: 'a', backends: { a: backend(), b: null }, ...changes });

  it('leaves alone what was taken down, whatever is left of it', () => {
    assert.deepEqual(look({ desired: 'down' }), { say: 'left-down' });
    assert.deepEqual(look({ desired: 'down', active: null, backends: slots('--') }), { say: 'left-down' });
  });
  it('heals where nothing is active', () => {
    assert.deepEqual(look({ active: null }), { say: 'heal', reason: 'nothing is active' });
  });
  it('heals where the active backend is gone', () => {
    assert.deepEqual(look({ backends: slots('-b') }), { say: 'heal', reason: 'the backend in slot a is gone' });
  });
  it('heals where the active backend was told to stop', () => {
    assert.deepEqual(look({ backends: { a: backend({ stoppingAt: START }), b: null } }), {
      say: 'heal',
      reason: 'the backend in slot a was told to stop',
    });
  });
  it('asks the active backend otherwise', () => {
    assert.deepEqual(look({}), { say: 'probe', slot: 'a', backend: backend() });
  });
});

describe('a backend that is to be stopped', () => {
  const TABLE = [
    [{ quiet: true, isOver: false }, 'drained'],
    [{ quiet: true, isOver: true }, 'drained'],
    [{ quiet: false, isOver: false }, 'wait'],
    [{ quiet: false, isOver: true }, 'cut'],
    [{ quiet: null, isOver: false }, 'wait'],
    [{ quiet: null, isOver: true }, 'timed'],
  ] as const;
  for (const [view, verdict] of TABLE)
    it(`${JSON.stringify(view)}: ${verdict}`, () => assert.equal(drainVerdict(view), verdict));
});
