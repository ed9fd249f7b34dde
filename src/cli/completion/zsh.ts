// Completion for zsh: a file `_graceful` in fpath, or `source <(graceful completion zsh)` after compinit.
import { commands, type Flag, globalFlags } from './vocabulary.ts';

export function zshCompletion(): string {
  const block = (indent: string, lines: readonly string[]): string =>
    lines.map((line) => `${indent}${line} \\`).join('\n');
  return `#compdef graceful
# zsh completion for graceful; made from the same table as its --help.
_graceful() {
  local curcontext="$curcontext" state line
  local -a commands global
  commands=(
${commands.map(({ name, summary }) => `    ${quote(`${name}:${summary.replaceAll(':', '\\:')}`)}`).join('\n')}
  )
  global=(
${globalFlags
  .flatMap(specs)
  .map((spec) => `    ${spec}`)
  .join('\n')}
  )
  _arguments -C $global '1: :->command' '*:: :->rest'
  case $state in
    command) _describe -t commands command commands ;;
    rest)
      case $line[1] in
${commands
  .map(
    ({ name, words, flags }) => `        ${name})
          _arguments \\
${block('            ', flags.flatMap(specs))}
            ${words.length === 0 ? '' : `${quote(`*: :(${words.join(' ')})`)} `}$global ;;`,
  )
  .join('\n')}
      esac ;;
  esac
}
if [ "$funcstack[1]" = _graceful ]; then _graceful "$@"; else compdef _graceful graceful; fi
`;
}

/** \`_arguments\` wants each spelling by itself; one excludes the other. */
function specs({ spellings, value, description }: Flag): readonly string[] {
  const exclusive = spellings.length > 1 ? `(${spellings.join(' ')})` : '';
  const text = description.replace(/[[\]\\:]/g, '\\$&');
  return spellings.map((spelling) =>
    quote(
      `${exclusive}${spelling}${value.kind === 'none' ? '' : spelling.startsWith('--') ? '=' : '+'}[${text}]${takes(value)}`,
    ),
  );
}

function takes(value: Flag['value']): string {
  switch (value.kind) {
    case 'none':
      return '';
    case 'file':
      return ':file:_files';
    case 'directory':
      return ':directory:_directories';
    case 'choice':
      return `:value:(${value.choices.join(' ')})`;
    case 'free':
      return ':value: ';
  }
}

const quote = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;
