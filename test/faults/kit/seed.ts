// Chance that can be had again: the seed is printed, and `--seed N` brings the same cases.

/** Set by battery.ts before any suite is loaded. */
export const SEED = Number(process.env['FAULTS_SEED'] ?? 1);

/** What --share says: of the long form of a large suite, one case in so many. */
export const LONG_SHARE = Number(process.env['FAULTS_SHARE'] ?? 1);

/** Numbers from 0 to 1, the same for the same seed and name (mulberry32). */
export function randomFrom(name: string, seed = SEED): () => number {
  let state = [...name].reduce((sum, letter) => Math.imul(sum, 31) + letter.charCodeAt(0), seed) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Every `step`-th, beginning where the seed says, so that runs with other seeds try the others. */
export function everyNth<T>(all: readonly T[], step: number, name: string): readonly T[] {
  const first = Math.floor(randomFrom(name)() * step);
  return all.filter((_, index) => index % step === first % Math.min(step, Math.max(1, all.length)));
}
