// The line by which graceful knows its own again, in files of its own and in blocks within those of others.
// It is the configuration's path that counts: the name is for people, and may change.

export interface Owner {
  readonly name: string;
  readonly configFile: string;
}

export const markOf = ({ name, configFile }: Owner): string => `# graceful: ${name} (${configFile})`;

const marks = (configFile: string): RegExp =>
  new RegExp(`^# graceful: \\S+ \\(${configFile.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}\\)`);

export const isMarked = (line: string, configFile: string): boolean => marks(configFile).test(line);

/** Lines of ours within a text of somebody else's. */
export const blockOf = (owner: Owner, lines: readonly string[]): string =>
  [`${markOf(owner)} begin`, ...lines, `${markOf(owner)} end`, ''].join('\n');

export interface Found {
  readonly before: string;
  /** With its marks; null where there is none. */
  readonly block: string | null;
  readonly after: string;
}

/** Null for a text in which only half of the block is left: nobody can know where it ended. */
export function findBlock(text: string, configFile: string): Found | null {
  const isMark = (line: string, which: string): boolean => isMarked(line, configFile) && line.endsWith(`) ${which}`);
  const lines = text.split(/(?<=\n)/);
  const at = (which: string): readonly number[] =>
    lines.flatMap((line, index) => (isMark(line.trimEnd(), which) ? [index] : []));
  const [begins, ends] = [at('begin'), at('end')];
  const [begin, end] = [begins[0], ends[0]];
  if (begin === undefined && end === undefined) return { before: text, block: null, after: '' };
  if (begin === undefined || end === undefined || begins.length > 1 || ends.length > 1 || end < begin) return null;
  const joined = (from: number, to?: number): string => lines.slice(from, to).join('');
  return { before: joined(0, begin), block: joined(begin, end + 1), after: joined(end + 1) };
}

/** The text with the block in it, where it was before or else at the end; with null, without it. */
export function replaceBlock({ before, after }: Found, block: string | null): string {
  if (block === null) return `${before}${after}`;
  return `${before}${before === '' || before.endsWith('\n') ? '' : '\n'}${block}${after}`;
}
