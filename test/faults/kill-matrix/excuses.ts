// What may be lost by a deed, and by the death of a backend in the middle of it.
import { monotonicMs } from '../../../src/core/clock.ts';
import { SLOTS, type Slot } from '../../../src/core/slot.ts';
import type { TestApp } from '../../rig/test-app.ts';
import type { Excuse } from '../kit/excuses.ts';
import { lives, recordOf } from '../kit/state-files.ts';
import { type Deed, logOf } from './deeds.ts';
import type { Host } from './stage.ts';
import { goesIn, linkMovesIn, stampedLogAt } from './strace.ts';

/** Asked right before the deed. Where a death makes a supervisor act, somebody dies with what he was answering. */
export function excusesOf({ mayRefuse, provoke, desired }: Deed, host: Host, app: TestApp): readonly Excuse[] {
  if (mayRefuse === null) return [];
  const isProvoked = host === 'supervised' && provoke !== null;
  const dying = isProvoked ? provoke : [];
  const dead = SLOTS.flatMap((slot) => {
    const record = recordOf(app, slot);
    return record !== null && (dying.includes(slot) || !lives(record)) ? [record.instance] : [];
  });
  return [
    {
      why: mayRefuse,
      covers: isProvoked ? 'all' : 'connects',
      since: isProvoked ? monotonicMs() : Number.NEGATIVE_INFINITY,
      ...(desired === 'down' ? { until: Number.POSITIVE_INFINITY } : {}),
      dead,
    },
  ];
}

// What the conversion from one clock to the other may be wrong by, generously.
const CLOCKS_DIFFER_MS = 20;

/**
 * When the link led to a slot, though its backend had been killed at `since`: it had passed its gate, and was looked at for
 * the last time before. Strace saw the link go there, and go on; it stamps by the wall clock.
 */
export function ledTo(app: TestApp, slot: Slot, since: number): readonly Excuse[] {
  const toMonotonic = monotonicMs() - Date.now();
  const log = stampedLogAt(logOf(app));
  const moves = linkMovesIn(log, app.link);
  // Once a new backend has been told to go, the link may lead to that.
  const renewedAt = goesIn(log).find((at) => at + toMonotonic >= since) ?? Number.POSITIVE_INFINITY;
  return moves.flatMap((move, index) => {
    if (move.to !== `${app.name}-${slot}.socket` || move.doneAt + toMonotonic < since || move.at >= renewedAt)
      return [];
    return {
      why: 'the link was led to the backend that was killed',
      covers: 'all' as const,
      since: move.at + toMonotonic - CLOCKS_DIFFER_MS,
      until: Math.min(
        monotonicMs(),
        (moves[index + 1]?.doneAt ?? Number.POSITIVE_INFINITY) + toMonotonic + CLOCKS_DIFFER_MS,
      ),
    };
  });
}
