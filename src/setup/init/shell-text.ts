// The text of a `sh -c`, understood just far enough to change the words of one command and leave all else as it stands.

export interface ShellWord {
  /** As it is written, with its quotes. */
  readonly text: string;
  readonly start: number;
  readonly end: number;
}

/** What stands inside parentheses, which may be in each other. */
const inside = (depth: number): string => (depth === 0 ? '[^()]*' : `(?:[^()]|\\(${inside(depth - 1)}\\))*`);

const WORD = `(?:\\\\[\\s\\S]|'[^']*'|"(?:\\\\[\\s\\S]|[^"\\\\])*"|\`[^\`]*\`|\\$\\{[^}]*\\}|\\$\\(${inside(3)}\\)|[^\\s;&|()<>'"\\\\\`])+`;

/** Blanks, comments and redirections, then what ends a command, then a word. A quote without its partner is passed over. */
const TOKEN = new RegExp(
  `([ \\t]|\\\\\\n|#[^\\n]*|\\d*[<>]+[&|]?[ \\t]*(?:${WORD})?)|([\\n;&|()])|(${WORD})|[\\s\\S]`,
  'y',
);

/** What may stand before the program of a command and is not part of it. */
const BEFORE_PROGRAM = /^(?:[A-Za-z_]\w*=.*|exec|env|if|then|else|elif|while|until|do|time|nohup|!|\{)$/s;

/** The words of each command in the text, from its program on. */
export function commandsIn(text: string): readonly (readonly ShellWord[])[] {
  const commands: ShellWord[][] = [[]];
  TOKEN.lastIndex = 0;
  for (let token = TOKEN.exec(text); token !== null; token = TOKEN.exec(text)) {
    const [, , end, word] = token;
    const command = commands.at(-1) ?? [];
    if (end !== undefined) commands.push([]);
    if (word === undefined || (command.length === 0 && BEFORE_PROGRAM.test(word))) continue;
    command.push({ text: word, start: token.index, end: TOKEN.lastIndex });
  }
  return commands;
}

/** The text without some of its words, and with others behind one of those that stay before them. */
export function changeWords(
  text: string,
  { unwanted, after, added }: { unwanted: readonly ShellWord[]; after: ShellWord; added: readonly string[] },
): string {
  const without = unwanted.reduceRight(
    (left, { start, end }) => left.slice(0, start).replace(/[ \t]+$/, '') + left.slice(end),
    text,
  );
  return [without.slice(0, after.end), ...added].join(' ') + without.slice(after.end);
}
