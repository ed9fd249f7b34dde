// How long to wait before the next attempt to bring back an app whose backends keep dying: longer each time, never for good.

const FIRST_MS = 1_000;
const CAP_MS = 60_000;
/** A backend that has been ready for this long was a success: the count begins anew. */
const STABLE_AFTER_MS = 60_000;

/** How many attempts count when a backend dies that has been ready for so long. */
export const attemptsThatCount = (attempts: number, readyForMs: number): number =>
  readyForMs > STABLE_AFTER_MS ? 0 : attempts;

/**
 * Milliseconds before attempt number `attempts + 1`: at once the first time, then 1 s doubled each time up to 60 s, of which
 * up to half is chance, so that fifty apps with the same broken database do not all start in the same second.
 */
export function respawnDelayMs(attempts: number, random: () => number = Math.random): number {
  if (attempts === 0) return 0;
  const whole = Math.min(CAP_MS, FIRST_MS * 2 ** (attempts - 1));
  return Math.round(whole * (1 - random() / 2));
}
