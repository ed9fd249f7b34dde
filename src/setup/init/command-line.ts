// A command as other tools take it, for a shell that graceful does not run.
import { splitCommand } from '../../config/split-command.ts';

export interface CommandLine {
  /** `$PORT` stands in it in this one spelling. */
  readonly argv: readonly string[];
  /** Assignments that stood before the program. */
  readonly env: Readonly<Record<string, string>>;
  /** It needs a shell, and so it is given one. */
  readonly needsShell: boolean;
}

/** `$PORT` in all its spellings: where another tool puts a port, graceful puts the socket. */
export const PORT_VARIABLE = /\$PORT\b|\$\{PORT(?::?[-=?][^}]*)?\}/g;

/** Stands for `$PORT` meanwhile, which needs no shell; a private-use character that no command has. */
const PORT = '\uE001';

/** Quoted text in which a shell would find nothing to do. */
const LITERAL = /'[^']*'|"(?:\\[^$`]|[^"\\$`])*"/g;

/** Assignments and `exec` before the program are taken off; what is left with a variable or an operator goes to a shell. */
export async function readCommandLine(text: string): Promise<CommandLine> {
  const env: Record<string, string> = {};
  let rest = text.trim().replace(PORT_VARIABLE, PORT);
  for (;;) {
    const word =
      /^(?:(?:exec|env|cross-env)\s+(?!-)|([A-Za-z_]\w*)=("[^"$`\\]*"|'[^']*'|[^\s"'$`;&|<>()]*)(?=\s)\s+)/.exec(rest);
    if (word === null) break;
    const [whole, name, value = ''] = word;
    if (name !== undefined) env[name] = value.replace(/^(["'])(.*)\1$/, '$2').replaceAll(PORT, '{socket}');
    rest = rest.slice(whole.length);
  }
  const split = await splitCommand(rest);
  const needsShell = !('argv' in split) || /\$[\w{(]|[*?`]/.test(rest.replace(LITERAL, ''));
  const argv = needsShell ? ['sh', '-c', rest] : split.argv;
  return { argv: argv.map((word) => word.replaceAll(PORT, '$PORT')), env, needsShell };
}
