// docs/commands.md, from the command table.
import { type CommandSpec, EXIT_MEANINGS, type FlagSpec, flagUsage } from '../command-spec.ts';
import { COMMAND_NAMES, COMMANDS, GLOBAL_FLAGS } from '../commands.ts';

export const commandsPage = (): string =>
  `${[
    '# The commands',
    'Written by `npm run docs:commands` from the table that `--help`, the completions and `man graceful` are made of.',
    '`graceful [-c FILE] [--state-dir DIR] [--json] [-q] [--no-color] COMMAND`',
    flags(GLOBAL_FLAGS),
    ...COMMAND_NAMES.map((name) => section(name, COMMANDS[name])),
  ].join('\n\n')}\n`;

function section(
  name: string,
  { summary, description, positionals, flags: own, examples, exits }: CommandSpec,
): string {
  const table = flags(own);
  return [
    `## ${name}`,
    `\`graceful ${name}${positionals === null ? '' : ` ${positionals.usage}`}\`: ${cell(summary)}.`,
    ...description.map(cell),
    ...(table === '' ? [] : [table]),
    ['```', ...examples.flatMap(({ command, does }) => [`# ${does}`, command]), '```'].join('\n'),
    `Exit codes: ${exits.map((code) => `${code} (${EXIT_MEANINGS[code]})`).join(', ')}.`,
  ].join('\n\n');
}

function flags(table: Readonly<Record<string, FlagSpec>>): string {
  const rows = Object.entries(table).map(
    ([name, spec]) =>
      `| \`${flagUsage(name, spec).trim().replaceAll('|', '\\|')}\` | ${cell(spec.description)}${spec.default === undefined ? '' : ` Default: ${spec.default}.`} |`,
  );
  return rows.length === 0 ? '' : ['| flag | |', '| --- | --- |', ...rows].join('\n');
}

/** Between backticks Markdown shows everything as it is; a table's border it sees there, too. */
const cell = (text: string): string =>
  text
    .split(/(`[^`]*`)/)
    .map((part, index) => (index % 2 === 1 ? part : part.replaceAll('*', '\\*').replaceAll('<', '&lt;')))
    .join('')
    .replaceAll('|', '\\|');
