// Milliseconds as the configuration spells them.

/** `1h`, `5m`, `30s`, `500ms`: the largest unit that leaves no rest. */
export function formatDuration(ms: number): string {
  const units = [
    ['h', 3_600_000],
    ['m', 60_000],
    ['s', 1_000],
  ] as const;
  const fit = units.find(([, size]) => ms >= size && ms % size === 0);
  return fit === undefined ? `${ms}ms` : `${ms / fit[1]}${fit[0]}`;
}
