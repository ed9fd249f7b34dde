// Completion for bash: `source <(graceful completion bash)`, or a file in bash-completion's directory.
import { commands, type Flag, globalFlags, valueFlags } from './vocabulary.ts';

export function bashCompletion(): string {
  const spelled = (flags: readonly Flag[]): string => flags.flatMap(({ spellings }) => spellings).join(' ');
  const pattern = (flags: readonly Flag[]): string => flags.flatMap(({ spellings }) => spellings).join('|');
  const ofKind = (kind: Flag['value']['kind']): readonly Flag[] =>
    valueFlags.filter(({ value }) => value.kind === kind);
  const branch = (flags: readonly Flag[], body: string): readonly string[] =>
    flags.length === 0 ? [] : [`    ${pattern(flags)}) ${body}; return ;;`];
  return `# bash completion for graceful; made from the same table as its --help.
_graceful() {
  local cur=\${COMP_WORDS[COMP_CWORD]} prev=\${COMP_WORDS[COMP_CWORD - 1]} command= words= i
  for ((i = 1; i < COMP_CWORD; i++)); do
    case \${COMP_WORDS[i]} in
      ${pattern(valueFlags)}) ((i++)) ;;
      -*) ;;
      *) command=\${COMP_WORDS[i]}; break ;;
    esac
  done
  case $prev in
${[
  ...branch(ofKind('file'), 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- "$cur")'),
  ...branch(ofKind('directory'), 'compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- "$cur")'),
  ...valueFlags.flatMap((flag) =>
    flag.value.kind === 'choice'
      ? branch([flag], `mapfile -t COMPREPLY < <(compgen -W '${flag.value.choices.join(' ')}' -- "$cur")`)
      : [],
  ),
  ...branch(ofKind('free'), 'COMPREPLY=()'),
].join('\n')}
  esac
  case $command in
    '') words='${commands.map(({ name }) => name).join(' ')}' ;;
${commands.map(({ name, words, flags }) => `    ${name}) words='${[...words, spelled(flags)].join(' ').trim()}' ;;`).join('\n')}
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words ${spelled(globalFlags)}" -- "$cur")
}
complete -F _graceful graceful
`;
}
