// The shape of the command table. Parsing, help, completions and the man page all read it; none of them knows a command by name.

/** One flag as it is parsed and shown. Its name is the key under which it stands in the table. */
export interface FlagSpec {
  readonly type: 'boolean' | 'string' | 'duration' | 'count';
  /** One letter, without the dash. */
  readonly short?: string;
  /** What stands for the value in help: `FILE`. Only where there is one. */
  readonly value?: string;
  readonly description: string;
  /** The text that would have to be typed to get the default. */
  readonly default?: string;
  /** May be given more than once; otherwise a second one is a usage error. */
  readonly multiple?: boolean;
}

/** The words after the command. They are always one of a few, and never twice the same. */
export interface PositionalSpec {
  /** What they are, where they are not slots. */
  readonly noun?: string;
  /** As it stands in the usage line: `[a] [b]`. */
  readonly usage: string;
  readonly choices: readonly string[];
  readonly max: number;
  readonly description: string;
}

export interface Example {
  readonly command: string;
  readonly does: string;
}

export interface CommandSpec {
  /** Less than a line, for the list of commands. */
  readonly summary: string;
  /** Paragraphs, wrapped when they are shown. */
  readonly description: readonly string[];
  readonly positionals: PositionalSpec | null;
  readonly flags: Readonly<Record<string, FlagSpec>>;
  readonly examples: readonly Example[];
  /** The exit codes that this command can end with, 2 and 70 included. */
  readonly exits: readonly ExitCode[];
}

/** What each exit code says to a script. */
export const EXIT_MEANINGS = {
  0: 'done, or nothing to do',
  1: 'failed; traffic is where it was',
  2: 'the command line or the configuration is wrong',
  3: 'nothing ready is serving',
  4: 'busy: another operation holds the lock',
  5: 'outcome unknown: the supervisor went away meanwhile',
  70: 'a bug in graceful',
} as const;

export type ExitCode = keyof typeof EXIT_MEANINGS;

/** `-c, --config FILE`, as help shows it. */
export const flagUsage = (name: string, { short, value }: FlagSpec): string =>
  `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
