// One line per event, for pipes, cron and CI: nothing is ever redrawn.
import type { GracefulEvent } from '../../core/events.ts';
import { TrafficTrail } from '../../core/traffic-trail.ts';
import { describe } from '../describe.ts';
import { describeFailure } from '../describe-failure.ts';
import { describeOutcome } from '../describe-outcome.ts';
import type { Output } from '../output.ts';
import { isRoutine } from '../routine.ts';
import type { Renderer } from './renderer.ts';

export const plainRenderer = ({ stdout, stderr }: { readonly stdout: Output; readonly stderr: Output }): Renderer => {
  const isNews = newsFilter();
  const trail = new TrafficTrail();
  return {
    event: (event) => {
      trail.see(event);
      if (isNews(event)) stderr.write(`${describe(event)}\n`);
    },
    // cron mails whatever is printed: what it finds in order every minute must not be.
    outcome: (outcome) => {
      if (!isRoutine(outcome)) stdout.write(`${describeOutcome(outcome)}\n`);
    },
    failure: (failure) => stderr.write(`graceful: ${describeFailure(failure, trail.movedTo)}\n`),
    close: () => {},
  };
};

/** A wait is worth another line when it saw something new, and in any case every ten seconds; but not more than one a second. */
const newsFilter = (): ((event: GracefulEvent) => boolean) => {
  const last = new Map<string, { readonly elapsedMs: number; readonly detail: string }>();
  return (event) => {
    if (event.type !== 'waiting' && event.type !== 'still-waiting') return true;
    const wait = `${event.for} ${event.slot ?? ''}`;
    const seen = event.type === 'waiting' ? { elapsedMs: 0, detail: event.detail ?? '' } : event;
    const before = last.get(wait);
    if (event.type === 'still-waiting' && before !== undefined) {
      const sinceMs = event.elapsedMs - before.elapsedMs;
      if (sinceMs < (event.detail === before.detail ? 10_000 : 1_000)) return false;
    }
    last.set(wait, { elapsedMs: seen.elapsedMs, detail: seen.detail });
    return true;
  };
};
