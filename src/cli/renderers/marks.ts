// What kind of news each event is, seen from across the room.
import type { GracefulEvent } from '../../core/events.ts';

export type Mark = 'done' | 'failed' | 'traffic' | 'warning' | 'step';

/** One sign per kind; each is one column wide. */
export const SIGNS: Readonly<Record<Mark, string>> = { done: '✔', failed: '✖', traffic: '→', warning: '!', step: '·' };

/** Typed by the union: a new event does not compile until it has its mark. */
export const MARKS: Readonly<Record<Exclude<GracefulEvent['type'], 'waiting' | 'still-waiting'>, Mark>> = {
  'lock-taken-over': 'warning',
  'desired-changed': 'step',
  'hook-succeeded': 'done',
  'hook-failed': 'failed',
  'backend-started': 'step',
  'backend-ready': 'done',
  'backend-warmed': 'done',
  'already-running': 'step',
  'health-failed': 'failed',
  'backend-found-dead': 'failed',
  'traffic-switched': 'traffic',
  'switch-verified': 'done',
  'traffic-restored': 'warning',
  'link-removed': 'traffic',
  'backend-drained': 'done',
  'connections-cut': 'warning',
  'backend-signalled': 'step',
  'backend-stopped': 'done',
  'stale-removed': 'step',
  warned: 'warning',
  'abort-requested': 'warning',
  'abort-refused': 'warning',
  'release-prepared': 'done',
  'release-removed': 'step',
  undone: 'step',
};
