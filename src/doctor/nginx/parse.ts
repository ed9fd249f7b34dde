// nginx's configuration language, as far as it has to be understood: directives, blocks, quotes, comments, includes.

export interface Directive {
  readonly name: string;
  readonly args: readonly string[];
  readonly file: string;
  readonly line: number;
  readonly parent: Directive | null;
  readonly block: Directive[] | null;
}

const HEADER = /^# configuration file (.+):$/;

/** The tree of what `nginx -T` printed; the includes stand where they were included. */
export function parseDump(dump: string): readonly Directive[] {
  const files = splitDump(dump);
  const [main] = files.keys();
  return main === undefined ? [] : parseFile(main, files, null, []);
}

/** Each file of the dump by its absolute path, the main one first. */
function splitDump(dump: string): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  let file: string | null = null;
  let lines: string[] = [];
  const end = () => {
    if (file !== null) files.set(file, lines.join('\n'));
  };
  for (const line of dump.split('\n')) {
    const header = HEADER.exec(line)?.[1];
    if (header === undefined) {
      lines.push(line);
      continue;
    }
    end();
    file = header;
    lines = [];
  }
  end();
  return files;
}

interface Token {
  /** `;`, `{`, `}` unquoted, or a word. */
  readonly text: string;
  readonly isMark: boolean;
  readonly line: number;
}

function* tokensOf(text: string): Generator<Token> {
  const pattern =
    /(\n)|[ \t\r]+|#[^\n]*|([;{}])|"((?:\\[\s\S]|[^"\\])*)"|'((?:\\[\s\S]|[^'\\])*)'|((?:\\[\s\S]|\$\{[^}]*\}|[^\s;{}])+)/g;
  let line = 1;
  for (const [whole, newline, mark, double, single, word] of text.matchAll(pattern)) {
    if (newline !== undefined) line++;
    else if (mark !== undefined) yield { text: mark, isMark: true, line };
    else {
      const quoted = double ?? single;
      const value = quoted?.replace(/\\(["'\\])/g, '$1') ?? word;
      if (value !== undefined) yield { text: value, isMark: false, line };
      line += whole.split('\n').length - 1;
    }
  }
}

function parseFile(
  file: string,
  files: ReadonlyMap<string, string>,
  parent: Directive | null,
  including: readonly string[],
): Directive[] {
  const top: Directive[] = [];
  const stack: { readonly directive: Directive | null; readonly list: Directive[] }[] = [
    { directive: parent, list: top },
  ];
  let words: Token[] = [];
  for (const token of tokensOf(files.get(file) ?? '')) {
    const { directive: owner, list } = stack.at(-1) ?? { directive: null, list: top };
    if (!token.isMark) {
      words.push(token);
      continue;
    }
    const [name, ...args] = words.map(({ text }) => text);
    const line = words[0]?.line ?? token.line;
    words = [];
    if (token.text === '}') {
      if (stack.length > 1) stack.pop();
    } else if (name === 'include' && token.text === ';') {
      for (const included of matching(args[0] ?? '', files))
        if (!including.includes(included)) list.push(...parseFile(included, files, owner, [...including, file]));
    } else if (name !== undefined) {
      const block: Directive[] | null = token.text === '{' ? [] : null;
      const directive: Directive = { name, args, file, line, parent: owner, block };
      list.push(directive);
      if (block !== null) stack.push({ directive, list: block });
    }
  }
  return top;
}

/** A relative include starts at the directory of the main file (ngx_conf_full_name). */
function matching(pattern: string, files: ReadonlyMap<string, string>): readonly string[] {
  const [main = ''] = files.keys();
  const absolute = pattern.startsWith('/') ? pattern : `${main.slice(0, main.lastIndexOf('/') + 1)}${pattern}`;
  const source = absolute
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replace(/\*/g, '[^/]*')
    .replace(/\?/g, '[^/]');
  const expression = new RegExp(`^${source}$`);
  return [...files.keys()].filter((file) => expression.test(file));
}

/** Every directive of the tree. */
export function* allOf(directives: readonly Directive[]): Generator<Directive> {
  for (const directive of directives) {
    yield directive;
    if (directive.block !== null) yield* allOf(directive.block);
  }
}

/** What holds at a directive's place: nginx inherits most settings from the blocks around it. */
export function effective(at: Directive, name: string): Directive | null {
  for (let block = at.parent; block !== null; block = block.parent) {
    const found = block.block?.find((directive) => directive.name === name);
    if (found !== undefined) return found;
  }
  return null;
}

export const placeOf = ({ file, line }: Directive): string => `${file}:${line}`;

/** `1m30s`, `500ms`, `60` (seconds) as milliseconds, as ngx_parse_time reads it; null if it is none. */
export function timeOf(text: string): number | null {
  const units: Readonly<Record<string, number>> = {
    ms: 1,
    s: 1e3,
    m: 6e4,
    h: 36e5,
    d: 864e5,
    w: 6048e5,
    M: 2592e6,
    y: 31536e6,
  };
  if (!/^(?:\d+(?:ms|[smhdwMy])?\s*)+$/.test(text)) return null;
  return [...text.matchAll(/(\d+)(ms|[smhdwMy])?/g)].reduce(
    (sum, [, digits, unit = 's']) => sum + Number(digits) * (units[unit] ?? 0),
    0,
  );
}
