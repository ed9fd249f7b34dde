// graceful(1), from the command table: man(7).
import { type CommandSpec, EXIT_MEANINGS, type FlagSpec } from '../command-spec.ts';
import { COMMAND_NAMES, COMMANDS, GLOBAL_FLAGS } from '../commands.ts';

export function manPage(version: string): string {
  return [
    `.TH GRACEFUL 1 "" "graceful ${version}"`,
    '.SH NAME',
    text('graceful - zero-downtime process manager for app backends over unix sockets'),
    '.SH SYNOPSIS',
    '.B graceful',
    text('[-c FILE] [--state-dir DIR] [--json] [-q] [--no-color] COMMAND'),
    '.SH DESCRIPTION',
    text(
      'Two slots, a and b, each hold a backend on its own unix socket; a link leads to the active one, and the proxy connects to the link. update starts the new version in the other slot, waits until it is ready and repoints the link in one rename(2). No request is lost by it, even if the backend handles no signal: it is signalled only after the kernel has counted no connection to it.',
    ),
    '.SH OPTIONS',
    ...flags(GLOBAL_FLAGS),
    '.SH COMMANDS',
    ...COMMAND_NAMES.flatMap((name) => command(name, COMMANDS[name])),
    '.SH EXIT STATUS',
    ...Object.entries(EXIT_MEANINGS).flatMap(([code, meaning]) => ['.TP', `.B ${code}`, text(meaning)]),
    '.SH FILES',
    text(
      'The configuration is found as graceful.config.{json,yaml,yml,js,mjs,cjs,ts}, .gracefulrc* or the key graceful of package.json, from the working directory upward.',
    ),
    '.SH SEE ALSO',
    text('nginx(8), crontab(5), systemd.service(5), unix(7)'),
    '',
  ].join('\n');
}

function command(
  name: string,
  { summary, description, positionals, flags: own, examples }: CommandSpec,
): readonly string[] {
  return [
    `.SS "graceful ${name}${positionals === null ? '' : ` ${escaped(positionals.usage)}`}"`,
    text(`${summary.slice(0, 1).toUpperCase()}${summary.slice(1)}.`),
    ...description.flatMap((paragraph) => ['.PP', text(paragraph)]),
    ...flags(own),
    ...(examples.length === 0 ? [] : ['.PP', 'Examples:']),
    ...examples.flatMap(({ command: typed, does }) => ['.TP', `.B ${escaped(typed)}`, text(does)]),
  ];
}

const flags = (table: Readonly<Record<string, FlagSpec>>): readonly string[] =>
  Object.entries(table).flatMap(([name, { short, value, description, default: fallback }]) => [
    '.TP',
    `.B ${escaped(`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`)}`,
    text(fallback === undefined ? description : `${description} Default: ${fallback}.`),
  ]);

/** A line that begins with a dot or an apostrophe would be a request. */
const text = (words: string): string => escaped(words).replace(/^(?=[.'])/, '\\&');

const escaped = (words: string): string => words.replaceAll('\\', '\\e').replaceAll('-', '\\-');
