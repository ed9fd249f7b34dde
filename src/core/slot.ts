// The two places a backend can live in, and which of them is which.

/** A place for one backend: it has its own unix socket, pid file and log. */
export type Slot = 'a' | 'b';

/** Both slots, in the order in which they are shown and tried. */
export const SLOTS = ['a', 'b'] as const satisfies readonly Slot[];

/** The other one of the two. */
export const otherSlot = (slot: Slot): Slot => (slot === 'a' ? 'b' : 'a');

/** One value per slot. */
export type PerSlot<T> = Readonly<Record<Slot, T>>;

/** Builds one value per slot, one slot after the other. */
export const perSlot = <T>(build: (slot: Slot) => T): PerSlot<T> => ({ a: build('a'), b: build('b') });

export const isSlot = (value: unknown): value is Slot => value === 'a' || value === 'b';
