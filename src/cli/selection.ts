// Which slots a command is to act on.
import { fail, type GracefulError } from '../core/failure.ts';
import type { OperationInputs } from '../core/outcome.ts';
import { isSlot, type Slot } from '../core/slot.ts';
import type { CommandSpec } from './command-spec.ts';
import { COMMANDS, type CommandName, isCommandName } from './commands.ts';

/** The slots named after a command, held against what the table allows. Raises `usage`. */
export const slotsOf = (words: readonly string[], command: CommandName): readonly Slot[] => {
  const { positionals }: CommandSpec = COMMANDS[command];
  const usage = { hint: `\`graceful ${command} --help\` shows how` };
  for (const [index, word] of words.entries()) {
    if (positionals === null)
      throw fail(
        'usage',
        `${command} takes no ${command === 'init' ? 'words' : 'slots'}, found ${word}`,
        isCommandName(word) ? { hint: 'one command at a time' } : usage,
      );
    if (!positionals.choices.includes(word))
      throw fail('usage', `${command}: found ${word}, expected ${positionals.choices.join(' or ')}`, usage);
    if (words.indexOf(word) < index) throw fail('usage', `${command}: ${word} is named twice`, usage);
    if (index >= positionals.max)
      throw fail(
        'usage',
        `${command} takes ${positionals.max === 1 ? `one ${positionals.noun ?? 'slot'}` : `${positionals.max} slots`}, found ${words.join(' ')}`,
        usage,
      );
  }
  return words.filter(isSlot);
};

type Selection = Pick<OperationInputs['restart'], 'slots' | 'all'> & { readonly inactive?: boolean };

/** Names, --all and --inactive are three answers to one question: exactly one of them, save that a bare `start` means the app. */
export const refuseAmbiguous = (
  command: 'start' | 'stop' | 'restart',
  { slots, all, inactive = false }: Selection,
): void => {
  const chosen = [
    ...(slots.length > 0 ? [slots.join(' ')] : []),
    ...(all ? ['--all'] : []),
    ...(inactive ? ['--inactive'] : []),
  ];
  if (chosen.length > 1) throw contradiction(command, chosen);
  if (chosen.length === 0 && command !== 'start') {
    throw fail('usage', `${command} needs to know what: a, b, --inactive or --all`, {
      hint:
        command === 'stop'
          ? '`graceful stop --all` takes the whole app down'
          : '`graceful update` puts new code into service',
    });
  }
};

export const contradiction = (command: string, chosen: readonly string[]): GracefulError =>
  fail('usage', `${command}: ${chosen.join(' and ')} contradict each other`, {
    hint: `give one of them: \`graceful ${command} ${chosen[0]}\``,
  });
