// Which answers nobody waits for.
import type { Outcome } from '../core/outcome.ts';

/** True if nothing had to be done and nobody has to know: cron would mail each line. */
export const isRoutine = (outcome: Outcome): boolean => {
  if (outcome.operation === 'keepalive') return outcome.action === 'none' || outcome.action === 'left-down';
  return outcome.operation === 'stop' && outcome.stopped.length === 0 && outcome.kept.length === 0;
};
