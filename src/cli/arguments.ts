// argv held against the command table: which command, which words, which flags. Knows nothing of what a command means.
import { parseArgs } from 'node:util';
import { parseDuration } from '../config/duration.ts';
import { fail } from '../core/failure.ts';
import type { CommandSpec, FlagSpec } from './command-spec.ts';
import { COMMAND_NAMES, COMMANDS, type CommandName, GLOBAL_FLAGS, isCommandName } from './commands.ts';
import { UnknownWord } from './suggest.ts';

/** What was typed, in the order in which it was typed. */
export interface Arguments {
  readonly command: CommandName | null;
  readonly words: readonly string[];
  /** Values of every flag given; a boolean one has the single value `''`. */
  readonly flags: ReadonlyMap<string, readonly string[]>;
  /** `help` or `version` was asked for: nothing else counts, not even a mistake. */
  readonly instead: 'help' | 'version' | null;
}

/** Reads argv against the table. Raises `usage`, or an {@link UnknownWord} that becomes one. */
export const readArguments = (argv: readonly string[]): Arguments => {
  // A flag may take a value with one command and none with another.
  const command = commandAmong(tokenize(argv, null));
  const tokens = tokenize(argv, command);
  const instead = tokens.some((token) => isFlag(token, 'help'))
    ? 'help'
    : tokens.some((token) => isFlag(token, 'version'))
      ? 'version'
      : null;
  const flags = new Map<string, string[]>();
  const words: string[] = [];
  let commandSeen = false;
  for (const token of tokens) {
    if (token.kind === 'option-terminator') continue;
    if (token.kind === 'positional') {
      if (commandSeen) words.push(token.value);
      else if (token.value !== command) throw unknownCommand(token.value);
      commandSeen = true;
      continue;
    }
    if (instead !== null) continue;
    const spec = flagSpec(command, token.name);
    if (spec === null) throw unknownFlag(command, token.name, token.rawName);
    const values = flags.get(token.name) ?? [];
    values.push(checkedValue(spec, token));
    if (values.length > 1 && spec.type !== 'boolean' && spec.multiple !== true) {
      throw fail('usage', `${token.rawName} is given ${values.length} times`, { hint: 'give it once' });
    }
    flags.set(token.name, values);
  }
  return { command, words, flags, instead };
};

/** A duration as it is typed: like in the configuration, where digits alone are milliseconds. */
export const durationOf = (text: string): number | null => parseDuration(/^\d+$/.test(text) ? Number(text) : text);

/** The flags of a command in the table, widened to what the generic code needs. */
export const flagsOf = (command: CommandName | null): Readonly<Record<string, FlagSpec>> =>
  command === null ? {} : (COMMANDS[command] as CommandSpec).flags;

interface OptionToken {
  readonly kind: 'option';
  readonly name: string;
  readonly rawName: string;
  readonly value: string | undefined;
  readonly inlineValue: boolean | undefined;
}

type Token =
  | OptionToken
  | { readonly kind: 'positional'; readonly value: string }
  | { readonly kind: 'option-terminator' };

/** Not strict: parseArgs only has to know which flags take a value. Its own messages know neither the command nor the table. */
const tokenize = (argv: readonly string[], command: CommandName | null): readonly Token[] => {
  const options: Record<string, { type: 'boolean' | 'string'; short?: string }> = {};
  const know = (flags: Readonly<Record<string, FlagSpec>>): void => {
    for (const [name, { type, short }] of Object.entries(flags))
      options[name] = { type: type === 'boolean' ? 'boolean' : 'string', ...(short === undefined ? {} : { short }) };
  };
  // Those that take no value last: the command itself is not to be taken for one.
  const all = COMMAND_NAMES.flatMap((name) => Object.entries(flagsOf(name)));
  know(Object.fromEntries(all.filter(([, { type }]) => type !== 'boolean')));
  know(Object.fromEntries(all.filter(([, { type }]) => type === 'boolean')));
  know(flagsOf(command));
  know(GLOBAL_FLAGS);
  return parseArgs({ args: [...argv], options, strict: false, allowPositionals: true, tokens: true })
    .tokens as readonly Token[];
};

const isFlag = (token: Token, name: string): boolean => token.kind === 'option' && token.name === name;

const commandAmong = (tokens: readonly Token[]): CommandName | null => {
  // What looks like the first word may be the value of a flag before it.
  const words = tokens.flatMap((token) => (token.kind === 'positional' ? [token.value] : []));
  return words.find(isCommandName) ?? null;
};

const flagSpec = (command: CommandName | null, name: string): FlagSpec | null => {
  const own = flagsOf(command);
  if (Object.hasOwn(own, name)) return own[name] ?? null;
  return Object.hasOwn(GLOBAL_FLAGS, name) ? GLOBAL_FLAGS[name as keyof typeof GLOBAL_FLAGS] : null;
};

const checkedValue = (spec: FlagSpec, { rawName, value, inlineValue }: OptionToken): string => {
  if (spec.type === 'boolean') {
    if (value !== undefined) throw fail('usage', `${rawName} takes no value, found ${JSON.stringify(value)}`, {});
    return '';
  }
  // `--wait --json`: what follows is another flag, not the value, unless it was attached with `=`.
  if (value === undefined || value === '' || (inlineValue !== true && value.startsWith('-') && value !== '-')) {
    throw fail('usage', `${rawName} needs a value`, { hint: `${rawName} ${spec.value ?? 'VALUE'}` });
  }
  if (spec.type === 'duration' && durationOf(value) === null) {
    throw fail('usage', `${rawName}: found ${JSON.stringify(value)}, expected a duration`, {
      hint: 'like 500ms, 30s, 5m or 1h',
    });
  }
  if (spec.type === 'count' && !/^\d{1,9}$/.test(value)) {
    throw fail('usage', `${rawName}: found ${JSON.stringify(value)}, expected a whole number`, { hint: 'like 20' });
  }
  return value;
};

const unknownCommand = (word: string): UnknownWord =>
  new UnknownWord(`unknown command ${word}`, word, COMMAND_NAMES, `the commands are ${COMMAND_NAMES.join(', ')}`);

const unknownFlag = (command: CommandName | null, name: string, rawName: string): Error => {
  const owners = COMMAND_NAMES.filter((other) => Object.hasOwn(flagsOf(other), name));
  if (owners.length > 0) {
    if (command === null)
      return fail('usage', `${rawName} needs a command`, { hint: `it is a flag of ${owners.join(', ')}` });
    return fail('usage', `${command} does not take ${rawName}`, { hint: `it is a flag of ${owners.join(', ')}` });
  }
  const known = [...Object.keys(flagsOf(command)), ...Object.keys(GLOBAL_FLAGS)].map((flag) => `--${flag}`);
  const help = command === null ? 'graceful --help' : `graceful ${command} --help`;
  return new UnknownWord(`unknown flag ${rawName}`, rawName, known, `\`${help}\` lists the flags`);
};
