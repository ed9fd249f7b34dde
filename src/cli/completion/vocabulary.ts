// The command table as a shell's completion needs it.
import type { CommandSpec, FlagSpec } from '../command-spec.ts';
import { COMMAND_NAMES, COMMANDS, GLOBAL_FLAGS } from '../commands.ts';

/** What may stand after a flag. */
export type Value =
  | { readonly kind: 'none' }
  | { readonly kind: 'file' | 'directory' | 'free' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] };

export interface Flag {
  /** `--config`, and `-c` where there is one. */
  readonly spellings: readonly string[];
  readonly name: string;
  readonly short: string | null;
  readonly value: Value;
  readonly description: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly words: readonly string[];
  readonly flags: readonly Flag[];
}

export const globalFlags: readonly Flag[] = flagsIn(GLOBAL_FLAGS);

export const commands: readonly Command[] = COMMAND_NAMES.map((name) => {
  const { summary, positionals, flags }: CommandSpec = COMMANDS[name];
  return { name, summary, words: positionals?.choices ?? [], flags: flagsIn(flags) };
});

/** Every flag that takes a value, once. */
export const valueFlags: readonly Flag[] = [
  ...new Map(
    [...globalFlags, ...commands.flatMap(({ flags }) => flags)]
      .filter(({ value }) => value.kind !== 'none')
      .map((flag) => [flag.name, flag]),
  ).values(),
];

function flagsIn(flags: Readonly<Record<string, FlagSpec>>): readonly Flag[] {
  return Object.entries(flags).map(([name, { short = null, type, value, description }]) => ({
    spellings: [...(short === null ? [] : [`-${short}`]), `--${name}`],
    name,
    short,
    value: type === 'boolean' ? { kind: 'none' } : typedAs(value),
    description: firstSentence(description),
  }));
}

/** As help names it: `FILE`, `DIR`, or the choices themselves, `plain|keepalive`. */
function typedAs(value = ''): Value {
  if (value.includes('|')) return { kind: 'choice', choices: value.split('|') };
  if (/FILE$/.test(value)) return { kind: 'file' };
  return { kind: /DIR$/.test(value) ? 'directory' : 'free' };
}

function firstSentence(text: string): string {
  return (/^[^.:;]*/.exec(text)?.[0] ?? text).trim();
}
