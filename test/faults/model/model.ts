// What the app should be, by the docs: the oracle of the random stories. Pure, and much smaller than the thing itself.
import { otherSlot, SLOTS, type Slot } from '../../../src/core/slot.ts';

/** `hung`: it lives and answers nothing. */
export type Occupant = 'none' | 'ok' | 'hung';
export type Version = 'good' | 'crashing' | 'never-ready';

export interface Model {
  readonly host: 'one-shot' | 'supervisor';
  /** Whether a supervisor runs now. */
  supervised: boolean;
  desired: 'up' | 'down';
  active: Slot | null;
  slots: { a: Occupant; b: Occupant };
  /** What the next backend is. */
  deployed: Version;
}

export const freshModel = (host: Model['host']): Model => ({
  host,
  supervised: false,
  desired: 'up',
  active: null,
  slots: { a: 'none', b: 'none' },
  deployed: 'good',
});

export const isServing = ({ active, slots }: Model): boolean => active !== null && slots[active] === 'ok';
const isOk = (m: Model, slot: Slot): boolean => m.slots[slot] === 'ok';

/** Exit codes: 0 done, 1 failed and traffic is where it was, 3 nothing ready serves. */
type Code = 0 | 1 | 3;

function move(m: Model, slot: Slot): void {
  m.active = slot;
  m.desired = 'up';
}

/** False when the new backend does not get ready; nothing is left of it. */
function launch(m: Model, slot: Slot): boolean {
  m.slots[slot] = m.deployed === 'good' ? 'ok' : 'none';
  return m.deployed === 'good';
}

/** To the first ready slot that is not active. */
function failOver(m: Model): boolean {
  const slot = SLOTS.find((candidate) => candidate !== m.active && isOk(m, candidate));
  if (slot !== undefined) move(m, slot);
  return slot !== undefined;
}

const slotToUpdate = ({ active, slots }: Model): Slot =>
  active === null ? (SLOTS.find((slot) => slots[slot] === 'none') ?? 'a') : otherSlot(active);

export function update(m: Model): Code {
  if (m.desired === 'up' && !isServing(m)) failOver(m);
  const slot = slotToUpdate(m);
  if (!launch(m, slot)) return 1;
  move(m, slot);
  return 0;
}

export function start(m: Model, named: readonly Slot[]): Code {
  m.desired = 'up';
  const slots = named.length > 0 ? named : [m.active ?? 'a'];
  for (const slot of slots) {
    if (m.active === slot && m.slots[slot] === 'none' && isOk(m, otherSlot(slot))) move(m, otherSlot(slot));
    if (m.slots[slot] === 'none' && !launch(m, slot)) return 1;
    const ready = [...slots, ...SLOTS].find((candidate) => isOk(m, candidate));
    if (!isServing(m) && ready !== undefined) move(m, ready);
  }
  return isServing(m) ? 0 : 3;
}

export function stopAll(m: Model): Code {
  Object.assign(m, { desired: 'down', active: null, slots: { a: 'none', b: 'none' } });
  return 0;
}

export function stopInactive(m: Model): Code {
  for (const slot of SLOTS) {
    const isNeeded = m.desired === 'up' && !isServing(m) && isOk(m, slot);
    if (slot !== m.active && !isNeeded) m.slots[slot] = 'none';
  }
  return 0;
}

export function stop(m: Model, slot: Slot): Code {
  if (m.active === slot) {
    if (isOk(m, otherSlot(slot))) move(m, otherSlot(slot));
    else if (m.slots[slot] !== 'none') return 1;
  }
  m.slots[slot] = 'none';
  return 0;
}

export function restart(m: Model, asked: readonly Slot[] | 'inactive'): Code {
  const named = (): readonly Slot[] => (asked === 'inactive' ? SLOTS.filter((slot) => slot !== m.active) : asked);
  if (named().some((slot) => slot !== m.active) && m.desired === 'up' && !isServing(m)) failOver(m);
  for (const slot of [...named()].sort((x, y) => Number(x === m.active) - Number(y === m.active))) {
    const other = otherSlot(slot);
    if (m.active === slot && isOk(m, other)) move(m, other);
    else if (m.active === slot && m.slots[slot] !== 'none') {
      if (!launch(m, other)) return 1;
      move(m, other);
    }
    const hasOther = m.active === other && isOk(m, other);
    if (!launch(m, slot)) return 1;
    if (!hasOther) move(m, slot);
  }
  return 0;
}

export function switchTo(m: Model, named: Slot | null): Code {
  const to = named ?? (m.active === null ? SLOTS.find((slot) => isOk(m, slot)) : otherSlot(m.active));
  if (to === undefined) return 3;
  if (!isOk(m, to)) return 1;
  if (m.active !== to) move(m, to);
  return 0;
}

export function keepalive(m: Model): Code {
  if (m.desired === 'down' || isServing(m) || failOver(m)) return 0;
  const other = slotToUpdate(m);
  const slot = m.active === null || m.slots[m.active] !== 'none' || m.slots[other] === 'none' ? other : m.active;
  if (slot === m.active) m.active = null;
  if (!launch(m, slot)) return 1;
  move(m, slot);
  return 0;
}

/** A backend dies by itself; a supervisor notices, and recovers unless the other one serves. */
export function die(m: Model, slot: Slot): void {
  m.slots[slot] = 'none';
  const servedByOther = m.active === otherSlot(slot) && m.slots[m.active] !== 'none';
  if (m.supervised && !servedByOther) keepalive(m);
}

/** Whether what a supervisor does by itself now ends at once: it tries again and again what fails. */
export const recoversAtOnce = (m: Model, lost: Slot | null): boolean => {
  const after = { ...m, slots: { ...m.slots, ...(lost === null ? {} : { [lost]: 'none' }) } };
  return keepalive(after) === 0;
};
