// supervisord's configuration, in the dialect of Python's ConfigParser that it is written in.

export interface Section {
  readonly name: string;
  readonly values: ReadonlyMap<string, string>;
}

/** The sections with their keys in lower case. A line that begins with a blank goes on with the value above. */
export function readSections(text: string): readonly Section[] {
  const sections: { name: string; values: Map<string, string> }[] = [];
  let key: string | null = null;
  for (const raw of text.split('\n')) {
    // `;` begins a comment only where a blank is before it; in an environment it may be part of a value.
    const line = raw.replace(/\s+;.*$/, '').trimEnd();
    if (line === '' || /^[;#]/.test(line)) continue;
    const values = sections.at(-1)?.values;
    const header = /^\[([^\]]+)\]/.exec(line);
    const pair = /^([^\s=:][^=:]*?)\s*[=:]\s*(.*)$/.exec(line);
    if (header !== null) {
      sections.push({ name: header[1] ?? '', values: new Map() });
      key = null;
    } else if (/^\s/.test(raw) && key !== null && values !== undefined) {
      values.set(key, `${values.get(key)} ${line.trim()}`.trim());
    } else if (pair !== null && values !== undefined) {
      key = (pair[1] ?? '').toLowerCase();
      values.set(key, pair[2] ?? '');
    }
  }
  return sections;
}

/** `A="x",B='y, z',C=plain`, as supervisord reads it. */
export function readEnvironment(text: string): Readonly<Record<string, string>> {
  const pairs = text.matchAll(/([^\s=,]+)\s*=\s*("(?:[^"\\]|\\.)*"|'[^']*'|[^,\s]*)\s*,?/g);
  return Object.fromEntries(
    [...pairs].map(([, key = '', value = '']) => [
      key,
      value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value.replace(/^'(.*)'$/s, '$1'),
    ]),
  );
}
