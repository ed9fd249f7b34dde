// Why requests may be lost, and when: from the deed until the app serves again, and no longer.
import assert from 'node:assert/strict';
import type { GracefulEvent } from '../../../src/core/events.ts';
import type { Answered, Clients, Lost } from './client.ts';

/** All times are on the monotonic clock of this process, which the clients go by as well. */
export interface Excuse {
  /** For people: 'the active backend was killed'. */
  readonly why: string;
  /** `connects`: nobody need take a request, but one that was taken is answered. */
  readonly covers: 'connects' | 'all';
  /** When it began. What was lost before is not excused by it. */
  readonly since: number;
  /** When it ended; without it, when the app serves again. What was sent later is not excused. */
  readonly until?: number;
  /** Instances whose answers do not mean that the app serves again: workers outlive their leader. */
  readonly dead?: readonly (string | null)[];
}

/**
 * For a command that may fail after it has led traffic to a new backend, and then leads it back to where nobody is: until it
 * has ended, and from then on until the app serves again.
 */
export const untilMended = (excuse: Excuse, endedAt: number): readonly Excuse[] =>
  excuse.until !== undefined
    ? [excuse]
    : [
        { ...excuse, until: endedAt },
        { ...excuse, since: endedAt },
      ];

/** The rest of I2: whatever was lost must have an excuse, or have been cut, as many as the events tell. */
export function assertNothingLost(
  { answers, lost }: Pick<Clients, 'answers' | 'lost'>,
  excuses: readonly Excuse[],
  told: readonly GracefulEvent[],
): void {
  const windows = excuses.map((excuse) => ({ ...excuse, until: excuse.until ?? servesAgain(excuse, answers) }));
  const inexcusable = lost.filter((one) => !windows.some((window) => isWithin(window, one)));
  const wasTaken = ({ stage }: Lost): boolean => stage === 'answer';
  const cut = inexcusable.filter(wasTaken);
  const mayBeCut = cutIn(told);
  const left = cut.length <= mayBeCut ? inexcusable.filter((one) => !wasTaken(one)) : inexcusable;
  assert.deepEqual(
    left,
    [],
    `I2: ${left.length} requests were lost, and ${mayBeCut} may have been cut; excused: ${JSON.stringify(windows)}`,
  );
}

/** At work at some time of it. */
const isWithin = ({ covers, since, until }: Excuse & { readonly until: number }, { sentAt, lostAt, stage }: Lost) =>
  lostAt >= since && sentAt <= until && (covers === 'all' || stage === 'connect');

/**
 * When somebody who is alive has answered what was sent after it began. What is sent after that answer has come meets a
 * link that leads to him.
 */
const servesAgain = ({ since, dead = [] }: Excuse, answers: readonly Answered[]): number =>
  answers.reduce(
    (earliest, { sentAt, answeredAt, instance }) =>
      sentAt >= since && !dead.includes(instance) ? Math.min(earliest, answeredAt) : earliest,
    Number.POSITIVE_INFINITY,
  );

/** Connections that a drain deadline cut; any number where they could not be counted. */
const cutIn = (told: readonly GracefulEvent[]): number =>
  told.reduce(
    (sum, event) => sum + (event.type === 'connections-cut' ? (event.count ?? Number.POSITIVE_INFINITY) : 0),
    0,
  );
