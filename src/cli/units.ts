// Numbers as people read them.

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `120 ms`, `3.2 s`, `5m 12s`, `2h 5m`, `3d 4h`: two units at most, rounded down, a zero second one left out. */
export const humanDuration = (ms: number): string => {
  const whole = Math.max(0, Math.floor(ms));
  if (whole < SECOND) return `${whole} ms`;
  if (whole < MINUTE) return `${Math.floor(whole / 100) / 10} s`;
  if (whole < HOUR) return twoUnits(whole, MINUTE, 'm', SECOND, 's');
  if (whole < DAY) return twoUnits(whole, HOUR, 'h', MINUTE, 'm');
  return twoUnits(whole, DAY, 'd', HOUR, 'h');
};

/** Like {@link humanDuration}, for a number that ticks: always one decimal below a minute, so that what follows it does not jump. */
export const tickingDuration = (ms: number): string => {
  const tenths = Math.max(0, Math.floor(ms / 100));
  return tenths < 600 ? `${(tenths / 10).toFixed(1)} s` : humanDuration(tenths * 100);
};

/** `512 B`, `1.4 MiB`, `82 MiB`, `3.0 GiB`. */
export const humanBytes = (bytes: number): string => {
  let value = Math.max(0, bytes);
  let unit = 0;
  // From 999.5 on it would print as a four-digit 1000.
  while (value >= 999.5 && unit < BYTE_UNITS.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${BYTE_UNITS[unit]}`;
};

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

const twoUnits = (ms: number, big: number, bigName: string, small: number, smallName: string): string => {
  const rest = Math.floor((ms % big) / small);
  return `${Math.floor(ms / big)}${bigName}${rest === 0 ? '' : ` ${rest}${smallName}`}`;
};
