// What a value in a state file may be. A person, another program or a broken disk may have written there, and one wrong
// value must stop no command: whatever is read is looked at field by field.

export type Fields = Readonly<Record<string, unknown>>;

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export const isText = (value: unknown): value is string => typeof value === 'string';

export const isTextOrNull = (value: unknown): value is string | null => value === null || isText(value);

/** ISO 8601, or what else Date makes sense of. */
export const isTime = (value: unknown): value is string => isText(value) && !Number.isNaN(Date.parse(value));

export const isTimeOrNull = (value: unknown): value is string | null => value === null || isTime(value);

/** No system call takes a NUL. */
export const isPath = (value: unknown): value is string =>
  isText(value) && value.startsWith('/') && !value.includes('\0');

/** Of a process that may be signalled: init is not ours, and kill(2) has a meaning of its own for what is less. */
export const isPid = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) > 1;

/** The fields of a ProcessIdentity. 1 is one of our own: a supervisor in a container. */
export const isIdentity = ({ pid, startTicks, bootId }: Fields): boolean =>
  (isPid(pid) || pid === 1) && isText(startTicks) && isText(bootId);

/** The object that the text is; null for anything else, as after a power loss. */
export function parseObject(text: string | null): Fields | null {
  try {
    const value: unknown = JSON.parse(text ?? 'null');
    return isObject(value) ? value : null;
  } catch {
    return null;
  }
}
