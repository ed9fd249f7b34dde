// Completion for fish: `graceful completion fish | source`, or a file in ~/.config/fish/completions.
import { commands, type Flag, globalFlags } from './vocabulary.ts';

export function fishCompletion(): string {
  const line = (...parts: readonly string[]): string => ['complete -c graceful', ...parts].join(' ');
  const flag = ({ name, short, value, description }: Flag): readonly string[] => [
    ...(short === null ? [] : [`-s ${short}`]),
    `-l ${name}`,
    ...takes(value),
    `-d ${quote(description)}`,
  ];
  return [
    '# fish completion for graceful; made from the same table as its --help.',
    line('-f'),
    ...globalFlags.map((one) => line(...flag(one))),
    ...commands.map(({ name, summary }) => line('-n __fish_use_subcommand', `-a ${name}`, `-d ${quote(summary)}`)),
    ...commands.flatMap(({ name, words, flags }) => {
      const after = `-n ${quote(`__fish_seen_subcommand_from ${name}`)}`;
      return [
        ...(words.length === 0 ? [] : [line(after, `-a ${quote(words.join(' '))}`)]),
        ...flags.map((one) => line(after, ...flag(one))),
      ];
    }),
    '',
  ].join('\n');
}

function takes(value: Flag['value']): readonly string[] {
  switch (value.kind) {
    case 'none':
      return [];
    case 'file':
      return ['-r -F'];
    case 'directory':
      return ["-x -a '(__fish_complete_directories)'"];
    case 'choice':
      return [`-x -a ${quote(value.choices.join(' '))}`];
    case 'free':
      return ['-x'];
  }
}

const quote = (text: string): string => `'${text.replace(/[\\']/g, '\\$&')}'`;
