// Outcomes in English: the answer to the command, one line each.
import type { Outcome } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import { describePlan } from './describe-plan.ts';
import { shortRelease } from './short-release.ts';
import { printable } from './text.ts';
import { humanDuration } from './units.ts';

/** What the operation came to: `b serves release 1f2e3d4c after 4.1 s; a stays warm: graceful switch rolls back`. */
export const describeOutcome = (outcome: Outcome): string =>
  outcome.operation === 'plan' ? describePlan(outcome) : printable(sentence(outcome));

const sentence = (outcome: Exclude<Outcome, { operation: 'plan' }>): string => {
  const took = humanDuration(outcome.ms);
  switch (outcome.operation) {
    case 'start': {
      if (outcome.started.length === 0)
        return `nothing to do: ${list(outcome.alreadyRunning)} ${runs(outcome.alreadyRunning)} already; ${activeNow(outcome.active)}`;
      const already = outcome.alreadyRunning.length === 0 ? '' : ` (${list(outcome.alreadyRunning)} ran already)`;
      return `started ${list(outcome.started)}${already} in ${took}; ${activeNow(outcome.active)}`;
    }
    case 'stop': {
      const kept = outcome.kept.map(({ slot, reason }) => `kept ${slot}: ${reason}`);
      if (outcome.stopped.length === 0)
        return kept.length === 0 ? 'nothing to stop' : `nothing stopped; ${kept.join('; ')}`;
      return [`stopped ${list(outcome.stopped)} in ${took}`, ...kept, activeNow(outcome.active)].join('; ');
    }
    case 'restart':
      return `restarted ${list(outcome.restarted)} in ${took}; ${activeNow(outcome.active)}`;
    case 'switch':
      if (!outcome.changed) return `nothing to do: ${outcome.to} is active already`;
      return `${outcome.to} is active now${outcome.from === null ? '' : `; \`graceful switch ${outcome.from}\` takes this back`}`;
    case 'rollback':
      return `${outcome.to} serves ${releaseName(outcome.release, 'the version before')} again after ${took}${outcome.how === 'started' ? `, started from ${outcome.cwd}` : ''}; the next update takes the code on disk`;
    case 'update': {
      const now = `${outcome.to} serves ${releaseName(outcome.release, 'the new version')} after ${took}`;
      const watched = WATCHED[outcome.watched ?? 'no'];
      if (outcome.from === null) return `${now}${watched}`;
      return `${now}${watched}; ${outcome.from} ${outcome.stoppedOld ? 'is stopped' : 'stays warm: `graceful rollback` goes back'}`;
    }
    case 'keepalive':
      return keepalive(outcome);
    default:
      return unreachable(outcome);
  }
};

const WATCHED = { no: '', passed: ' and passed the watch', 'cut-short': ' and is no longer watched' } as const;

const releaseName = (release: string | null, unnamed: string): string =>
  release === null ? unnamed : `release ${shortRelease(release)}`;

const keepalive = ({ action, active, reason, ms }: Outcome & { readonly operation: 'keepalive' }): string => {
  const because = reason === '' ? '' : `: ${reason}`;
  switch (action) {
    case 'none':
      return `nothing to do${because}`;
    case 'left-down':
      return `left down${because || ': the app was taken down on purpose'}`;
    case 'busy':
      return `nothing done, another operation holds the lock${because}`;
    case 'switched':
      return `repaired in ${humanDuration(ms)}: traffic moved to ${active ?? 'the other slot'}${because}`;
    case 'started':
      return `repaired in ${humanDuration(ms)}: started ${active ?? 'a backend'}${because}`;
    default:
      return unreachable(action);
  }
};

const list = (slots: readonly Slot[]): string => (slots.length === 0 ? 'nothing' : slots.join(' and '));

const runs = (slots: readonly Slot[]): string => (slots.length > 1 ? 'run' : 'runs');

const activeNow = (active: Slot | null): string => (active === null ? 'no slot is active' : `${active} is active`);

/** A newer supervisor may answer with something else; it was done all the same. To the compiler it cannot happen. */
const unreachable = (unknown: never): string => `done: ${JSON.stringify(unknown)}`;
