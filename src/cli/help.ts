// --help, written from the command table.
import { type CommandSpec, EXIT_MEANINGS, type ExitCode, type FlagSpec, flagUsage } from './command-spec.ts';
import { COMMAND_NAMES, COMMANDS, type CommandName, GLOBAL_FLAGS } from './commands.ts';
import { wrap } from './text.ts';

/** The help of a command, or with null that of graceful itself, wrapped to `columns` (80 to 100, whatever the terminal has). */
export const renderHelp = (command: CommandName | null, columns = 80): string => {
  const width = Math.min(100, Math.max(80, columns)) - 1;
  const sections = command === null ? generalHelp(width) : commandHelp(command, COMMANDS[command], width);
  return `${sections.map((lines) => lines.join('\n')).join('\n\n')}\n`;
};

/** For no argument at all: the commands and where to read on. */
export const renderShortHelp = (): string => `${[`${USAGE} COMMAND`, '', ...commandList(99), '', MORE].join('\n')}\n`;

const USAGE = 'Usage: graceful [-c FILE] [--state-dir DIR] [--json] [-q] [--no-color]';
const MORE = '`graceful COMMAND --help` says more about one.';

const generalHelp = (width: number): readonly (readonly string[])[] => [
  wrap(
    'graceful: zero-downtime process manager for app backends over unix sockets. Two slots, a and b, and a link to the active one.',
    width,
  ),
  [`${USAGE} COMMAND`],
  ['Commands:', ...commandList(width)],
  flagSection('Flags, before or after the command:', GLOBAL_FLAGS, width),
  exitSection(Object.keys(EXIT_MEANINGS).map((code) => Number(code) as ExitCode)),
  [MORE],
];

const commandHelp = (name: CommandName, spec: CommandSpec, width: number): readonly (readonly string[])[] => [
  [`graceful ${name}: ${spec.summary}`],
  [`Usage: graceful ${name}${spec.positionals === null ? '' : ` ${spec.positionals.usage}`} [FLAGS]`],
  ...spec.description.map((paragraph) => wrap(paragraph, width)),
  ...(spec.positionals === null
    ? []
    : [
        [
          `${capitalised(spec.positionals.noun ?? 'slot')}s:`,
          ...table([[spec.positionals.usage, spec.positionals.description]], width),
        ],
      ]),
  flagSection('Flags:', spec.flags, width),
  flagSection('Flags of every command:', GLOBAL_FLAGS, width),
  ['Examples:', ...spec.examples.flatMap(({ command, does }) => [`  ${command}`, `      ${does}`])],
  exitSection(spec.exits),
];

const capitalised = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;

const commandList = (width: number): readonly string[] =>
  table(
    COMMAND_NAMES.map((name) => [name, COMMANDS[name].summary]),
    width,
  );

const flagSection = (title: string, flags: Readonly<Record<string, FlagSpec>>, width: number): readonly string[] => [
  title,
  ...table(
    Object.entries(flags).map(([name, spec]) => [
      flagUsage(name, spec),
      spec.default === undefined ? spec.description : `${spec.description} Default: ${spec.default}.`,
    ]),
    width,
  ),
];

const exitSection = (codes: readonly ExitCode[]): readonly string[] => [
  'Exit codes:',
  ...codes.map((code) => `  ${String(code).padStart(2)}  ${EXIT_MEANINGS[code]}`),
];

/** Two columns: terms, and what they mean, wrapped under itself. */
const table = (rows: readonly (readonly [term: string, meaning: string])[], width: number): readonly string[] => {
  const column = Math.max(...rows.map(([term]) => term.length)) + 4;
  return rows.flatMap(([term, meaning]) =>
    wrap(meaning, width - column).map((line, index) => `${(index === 0 ? `  ${term}` : '').padEnd(column)}${line}`),
  );
};
