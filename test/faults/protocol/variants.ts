// Mistakes that could have been made, one at a time: each is a macro of graceful.pml, and spin has to find what it breaks.
import type { InvariantName } from '../kit/suite.ts';

export interface Variant {
  readonly macro: string;
  readonly breaks: InvariantName;
  readonly mistake: string;
  /** How many commands and backends have to be killed for it to show; 1 and 0 unless said otherwise. */
  readonly crashes?: number;
  readonly kills?: number;
  /** What spin is asked; `safety` unless said otherwise. */
  readonly question?: 'safety' | 'circles';
}

export const VARIANTS: readonly Variant[] = [
  { macro: 'UNLINK_THEN_SYMLINK', breaks: 'I1', mistake: 'the link is removed and made again instead of renamed' },
  { macro: 'SWITCH_BEFORE_READY', breaks: 'I1', mistake: 'traffic moves to a backend that was not ready' },
  { macro: 'BIND_BEFORE_EXIT', breaks: 'I7', mistake: 'a slot is used again before its backend has exited' },
  { macro: 'NO_STOPPING_NOTE', breaks: 'I1', mistake: 'nothing says that a backend was told to stop' },
  { macro: 'NO_LOOK_AGAIN', breaks: 'I1', mistake: 'after the drain nobody looks again' },
  { macro: 'SIGNAL_BEFORE_DRAIN', breaks: 'I2', mistake: 'a backend is signalled while clients are connected' },
  { macro: 'QUEUED_NOT_COUNTED', breaks: 'I2', crashes: 0, mistake: 'a connection counts only once it is accepted' },
  {
    macro: 'NO_LINK_AGE',
    breaks: 'I2',
    crashes: 0,
    mistake: 'zero connections count at once after the link has moved',
  },
  { macro: 'KILL_BY_PID_ONLY', breaks: 'I3', mistake: 'a pid alone is believed' },
  { macro: 'TAKEOVER_WITHOUT_GATE', breaks: 'I4', mistake: "a dead holder's lock is taken over without the gate" },
  { macro: 'NEVER_TAKE_OVER', breaks: 'I5', mistake: "a dead holder's lock is waited for" },
  { macro: 'LOCK_HELD_WHILE_DRAINING', breaks: 'I5', mistake: 'the lock is held while connections drain' },
  {
    macro: 'ASK_AGAIN_AND_AGAIN',
    breaks: 'I5',
    crashes: 0,
    question: 'circles',
    mistake: 'while connections drain the lock is taken again and again',
  },
  { macro: 'FORGET_DESIRED', breaks: 'I6', mistake: 'a deliberate stop is not written down' },
  { macro: 'FORGET_INTENT', breaks: 'I6', mistake: 'a command goes on although the app was taken down since' },
  { macro: 'RECORD_AFTER_START', breaks: 'I7', mistake: 'a backend runs before its record is on disk' },
  { macro: 'NO_SWEEP', breaks: 'I7', mistake: 'what a killed command left half written is left' },
];
