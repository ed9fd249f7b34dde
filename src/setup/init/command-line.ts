// A command as other tools take it, for a shell that graceful does not run.
import { splitCommand } from '../../config/split-command.ts';

export interface CommandLine {
  readonly argv: readonly string[];
  /** Assignments that stood before the program. */
  readonly env: Readonly<Record<string, string>>;
  /** It needs a shell, and so it is given one. */
  readonly needsShell: boolean;
}

/** `$PORT` in all its spellings: where another tool puts a port, graceful puts the socket. */
const PORT = /\$PORT\b|\$\{PORT(?::?[-=?][^}]*)?\}/g;

/** Assignments and `exec` before the program are taken off; `$PORT` becomes `{socket}`; what is left with a variable or an operator goes to a shell. */
export async function readCommandLine(text: string): Promise<CommandLine> {
  const env: Record<string, string> = {};
  let rest = text.trim().replace(PORT, '{socket}');
  for (;;) {
    const word = /^(?:(?:exec|env|cross-env)\s+|([A-Za-z_]\w*)=("[^"$`\\]*"|'[^']*'|[^\s"'$`;&|<>()]*)(?=\s)\s+)/.exec(
      rest,
    );
    if (word === null) break;
    const [whole, name, value = ''] = word;
    if (name !== undefined) env[name] = value.replace(/^(["'])(.*)\1$/, '$2');
    rest = rest.slice(whole.length);
  }
  const split = await splitCommand(rest);
  if ('argv' in split && !/\$[\w{(]|[*?]/.test(rest.replace(/'[^']*'/g, '')))
    return { argv: split.argv, env, needsShell: false };
  return { argv: ['sh', '-c', rest], env, needsShell: true };
}

/** The words on one line, for people; those that a shell would take apart in quotes. */
export const shown = (argv: readonly string[]): string =>
  argv.map((word) => (/^[\w@%+=:,./{}-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`)).join(' ');
