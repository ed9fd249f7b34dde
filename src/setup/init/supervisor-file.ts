// supervisord's configuration, in the dialect of Python's RawConfigParser that it is written in.

export interface Section {
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

/**
 * The sections with their keys in lower case; those of one name are one. A line that is indented further than its key goes
 * on with the value. `;` and `#` begin a comment at the beginning of a line, or after a blank, quotes or not.
 */
export function readSections(text: string): readonly Section[] {
  const sections = new Map<string, Map<string, string>>();
  let values: Map<string, string> | null = null;
  let key: string | null = null;
  let indent = 0;
  for (const raw of text.split('\n')) {
    const line = raw.replace(/(?:^|\s)[;#].*$/, '').trim();
    if (line === '') continue;
    const column = raw.search(/\S/);
    if (values !== null && key !== null && column > indent) {
      values.set(key, `${values.get(key)}\n${line}`.trim());
      continue;
    }
    indent = column;
    const header = /^\[([^\]]+)\]/.exec(line)?.[1];
    const pair = /^([^=:]+?)\s*[=:]\s*(.*)$/.exec(line);
    if (header !== undefined) {
      values = sections.get(header) ?? new Map();
      sections.set(header, values);
      key = null;
    } else if (pair !== null && values !== null) {
      key = (pair[1] ?? '').toLowerCase();
      values.set(key, pair[2] ?? '');
    }
  }
  return [...sections].map(([name, inside]) => ({ name, values: inside }));
}

/** `A="x",B='y, z',C=plain`, as supervisord reads it: a backslash is a backslash. */
export function readEnvironment(text: string): Readonly<Record<string, string>> {
  const pairs = text.matchAll(/([^\s=,]+)\s*=\s*("[^"]*"|'[^']*'|[^,\s]*)\s*,?/g);
  return Object.fromEntries([...pairs].map(([, key = '', value = '']) => [key, value.replace(/^["']+|["']+$/g, '')]));
}

/** `%(name)s` and `%(number)02d`, as Python's `%` writes them. `replace` is asked with the name, and with all of it. */
export const expand = (text: string, replace: (name: string, whole: string) => string): string =>
  text.replace(
    /%\(([^)]+)\)([-+ #0]*)(\d*)[sdi]|%%/g,
    (whole, name: string | undefined, flags: string, width: string) => {
      if (name === undefined) return '%';
      const value = replace(name, whole);
      if (flags.includes('-')) return value.padEnd(Number(width));
      return value.padStart(Number(width), flags.includes('0') && !whole.endsWith('s') ? '0' : ' ');
    },
  );
