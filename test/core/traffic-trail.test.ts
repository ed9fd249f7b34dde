// Where an operation has led the traffic, as its events tell it.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GracefulEvent } from '../../src/core/events.ts';
import type { Slot } from '../../src/core/slot.ts';
import { TrafficTrail } from '../../src/core/traffic-trail.ts';

const switched = (from: Slot | null, to: Slot): GracefulEvent => ({ type: 'traffic-switched', from, to });
const restored = (to: Slot | null): GracefulEvent => ({ type: 'traffic-restored', to, reason: 'a test' });

const TABLE: readonly (readonly [string, readonly GracefulEvent[], Slot | null])[] = [
  ['nothing was switched', [], null],
  ['it was switched', [switched('a', 'b')], 'b'],
  ['it was switched where nothing had served', [switched(null, 'a')], 'a'],
  ['a switch was undone', [switched('a', 'b'), restored('a')], null],
  ['a switch was undone where nothing had served', [switched(null, 'b'), restored(null)], null],
  ['it was switched there and back', [switched('a', 'b'), switched('b', 'a')], null],
  ['the second of two switches was undone', [switched('a', 'b'), switched('b', 'a'), restored('b')], 'b'],
  ['the link was taken away and put back', [restored('a')], null],
];
for (const [what, events, movedTo] of TABLE)
  test(`${what}: traffic is ${movedTo === null ? 'where it was' : `at ${movedTo}`}`, () => {
    const trail = new TrafficTrail();
    for (const event of events) trail.see(event);
    assert.equal(trail.movedTo, movedTo);
  });
