// Durations as people write them. Everything behind the configuration and the command line counts in milliseconds.

/** `500ms`, `1.5s`, `30s`, `5m`, `1h`, `1d`: a number and one unit, without a sign. */
export const DURATION_PATTERN = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;

/** The longest wait that a timer of Node can be set to: with one millisecond more, `setTimeout` fires at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds, rounded to a whole one; null for what is no duration. A number is taken as milliseconds. */
export function parseDuration(duration: string | number): number | null {
  if (typeof duration === 'number') return Number.isFinite(duration) && duration >= 0 ? Math.round(duration) : null;
  const [, amount, unit] = DURATION_PATTERN.exec(duration) ?? [];
  if (amount === undefined || unit === undefined) return null;
  const ms = Math.round(Number(amount) * (UNIT_MS[unit] ?? Number.NaN));
  return Number.isSafeInteger(ms) ? ms : null;
}
