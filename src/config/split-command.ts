// A command given as one string, split into words as a shell would split them, without a shell.

/** The words, or why the string is not just words. */
export type SplitCommand = { readonly argv: readonly string[] } | { readonly found: string; readonly expected: string };

const WITHOUT_SHELL = 'plain words, since no shell runs; write ["sh", "-c", "…"] for a shell';

/** Stands for the dollar of `${…}` while shell-quote is at work; a private-use character that no command has. */
const DOLLAR = '\uE000';

/**
 * Quotes and backslashes work as in a shell. Variables and globs stay as they are written. Operators, comments, unclosed
 * quotes and leading assignments are refused: in each case a shell would do something else than run these words.
 */
export async function splitCommand(command: string): Promise<SplitCommand> {
  if (hasOpenQuote(command)) return { found: 'a quote that is not closed', expected: 'matching quotes' };
  const { parse } = await import('shell-quote');
  const argv: string[] = [];
  for (const entry of parse(command.replaceAll('${', `${DOLLAR}{`), (name) => `$${name}`)) {
    if (typeof entry === 'string') argv.push(entry.replaceAll(DOLLAR, '$'));
    else if ('comment' in entry) return { found: 'a comment', expected: 'quotes around "#"' };
    else if (entry.op === 'glob') argv.push(entry.pattern.replaceAll(DOLLAR, '$'));
    else return { found: `the shell operator ${entry.op}`, expected: WITHOUT_SHELL };
  }
  const [program] = argv;
  if (program === undefined || program === '') return { found: 'no program', expected: 'a program and its arguments' };
  if (/^\w+=/.test(program)) return { found: 'an assignment before the program', expected: 'variables under "env"' };
  return { argv };
}

/** shell-quote drops a quote that has no partner, without a word. What is left after all that is complete is not. */
const hasOpenQuote = (command: string): boolean =>
  /['"]|\\$/.test(command.replace(/\$'(?:\\[\s\S]|[^'\\])*'|\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"/g, ''));
