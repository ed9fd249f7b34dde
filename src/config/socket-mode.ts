// File modes as JSON, YAML and JavaScript let people write them.

/** `"0660"`, `"660"` or `"0o660"`, and only modes that let the owner read and write. */
export const SOCKET_MODE_PATTERN = /^(?:0o?)?[67][0-7]{2}$/;

/**
 * The mode that was meant, or null.
 *
 * A number is ambiguous: `0o660` arrives as 432, but YAML 1.2 reads an unquoted `0660` as the decimal number 660.
 * Modes without read and write for the owner are refused, because without them the health check could not connect
 * either. That tells the two apart: as values, the remaining modes are 384 to 511; as digits, they are 600 to 777.
 */
export function parseSocketMode(mode: string | number): number | null {
  if (typeof mode === 'number' && Number.isInteger(mode) && mode >= 0o600 && mode <= 0o777) return mode;
  const digits = String(mode);
  return SOCKET_MODE_PATTERN.test(digits) ? Number.parseInt(digits.slice(-3), 8) : null;
}
