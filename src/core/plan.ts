// What the operations choose, from what is there now: pure decisions, each to be read and tested without a process.
import type { OperationInputs } from './outcome.ts';
import { otherSlot, type PerSlot, SLOTS, type Slot } from './slot.ts';
import type { Desired } from './status.ts';

/** As much of what is there as the choices below ask for; `backends` and `occupants` as in a snapshot. */
export interface Situation {
  readonly desired: Desired;
  readonly active: Slot | null;
  readonly link: { readonly since: number | null };
  readonly backends: PerSlot<RunningBackend | null>;
  readonly occupants: PerSlot<object | null>;
}

export interface RunningBackend {
  readonly instance: string;
  readonly startedAt: string;
  readonly stoppingAt: string | null;
}

type Occupation = Pick<Situation, 'active' | 'occupants'>;

interface Room extends Occupation {
  /** At which slots somebody listens whom no record names: nothing can be started there. */
  readonly strangers: PerSlot<boolean>;
}

/** Where `start` starts: with no name, the slot that the link leads to, else the first in which something can run. */
export const slotsToStart = (
  { slots, all }: OperationInputs['start'],
  { active, strangers }: Pick<Room, 'active' | 'strangers'>,
): readonly Slot[] => (all ? SLOTS : slots.length > 0 ? slots : [active ?? firstWithout(strangers)]);

/** Inactive ones first: the active one's traffic then moves to a backend that has just been restarted. */
export function slotsToRestart(
  { slots, all, inactive }: OperationInputs['restart'],
  active: Slot | null,
): readonly Slot[] {
  if (inactive) return SLOTS.filter((slot) => slot !== active);
  return (all ? [...SLOTS] : [...slots]).sort((a, b) => Number(a === active) - Number(b === active));
}

/** Those that `stop --inactive` looks at: the ones in which something is left, and to which the link does not lead. */
export const slotsToEmpty = ({ active, occupants }: Occupation): readonly Slot[] =>
  SLOTS.filter((slot) => slot !== active && occupants[slot] !== null);

/** The one that is not active; with nothing active, an empty one rather than one in which something runs. */
export const slotToUpdate = ({ active, occupants, strangers }: Room): Slot =>
  active === null
    ? (SLOTS.find((slot) => occupants[slot] === null && !strangers[slot]) ?? firstWithout(strangers))
    : otherSlot(active);

/** An empty slot, if there is one: nothing has to be drained while nobody serves. Never in the place of somebody who may be serving. */
export function slotToHeal(now: Room): Slot {
  const other = slotToUpdate(now);
  const { active, occupants, strangers } = now;
  if (active === null || occupants[active] !== null || strangers[active]) return other;
  return occupants[other] === null && !strangers[other] ? other : active;
}

const firstWithout = (strangers: PerSlot<boolean>): Slot => SLOTS.find((slot) => !strangers[slot]) ?? 'a';

/** Where traffic may go, in the order in which it is tried: never where it is. */
export const slotsToTry = (active: Slot | null): readonly Slot[] => SLOTS.filter((slot) => slot !== active);

/** How long nobody new has come to a slot: since the link moved, or since its start for one that it has not led to yet. */
export function inactiveForMs({ link, backends }: Situation, slot: Slot, now: number): number {
  const started = Date.parse(backends[slot]?.startedAt ?? '') || 0;
  return now - Math.max(link.since ?? 0, started);
}

export type FirstLook<Backend> =
  | { readonly say: 'left-down' }
  | { readonly say: 'heal'; readonly reason: string }
  /** All seems well: its health check decides. */
  | { readonly say: 'probe'; readonly slot: Slot; readonly backend: Backend };

/** What can be told of the active backend's health without asking it. */
export function firstLook<Backend extends RunningBackend>({
  desired,
  active,
  backends,
}: Pick<Situation, 'desired' | 'active'> & { readonly backends: PerSlot<Backend | null> }): FirstLook<Backend> {
  const heal = (reason: string): FirstLook<Backend> => ({ say: 'heal', reason });
  if (desired === 'down') return { say: 'left-down' };
  if (active === null) return heal('nothing is active');
  const backend = backends[active];
  if (backend === null) return heal(`the backend in slot ${active} is gone`);
  if (backend.stoppingAt !== null) return heal(`the backend in slot ${active} was told to stop`);
  return { say: 'probe', slot: active, backend };
}

/** What `mayStop` found. */
export interface DrainView {
  /** Whether nobody is connected; null where that cannot be counted. */
  readonly quiet: boolean | null;
  readonly isOver: boolean;
}

export type DrainVerdict =
  /** Its connections are waited for. */
  | 'wait'
  /** Nobody is connected. */
  | 'drained'
  /** Nobody knows, and it has had its time. */
  | 'timed'
  /** Its time is up: whoever is still connected is cut off. */
  | 'cut';

export function drainVerdict({ quiet, isOver }: DrainView): DrainVerdict {
  if (quiet === true) return 'drained';
  if (!isOver) return 'wait';
  return quiet === null ? 'timed' : 'cut';
}
