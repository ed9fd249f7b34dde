// A command of a tool that runs no shell: quotes and backslashes, and nothing else, are special in it.

const PART = /\\([\s\S])|'([^']*)'|"((?:\\[\s\S]|[^"\\])*)"|([\s\S])/g;

/** As shlex.split of Python, which supervisord uses. A quote or a backslash without its partner stands for itself. */
export const wordsOf = (text: string): readonly string[] =>
  [...text.matchAll(/(?:\\[\s\S]|'[^']*'|"(?:\\[\s\S]|[^"\\])*"|\S)+/g)].map(([word]) =>
    word.replace(
      PART,
      (_, escaped?: string, single?: string, double?: string, plain?: string) =>
        escaped ?? single ?? double?.replace(/\\(["\\])/g, '$1') ?? plain ?? '',
    ),
  );

/** What `env A=1 program` says is said by `env` of the configuration. */
export function withoutEnv(argv: readonly string[]): {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
} {
  const isAssignment = (word: string): boolean => /^[A-Za-z_]\w*=/.test(word);
  const at = argv.findIndex((word, index) => index > 0 && !isAssignment(word));
  if (!/^(?:\/usr)?(?:\/bin\/)?env$/.test(argv[0] ?? '') || at === -1 || argv[at]?.startsWith('-'))
    return { argv, env: {} };
  const assigned = argv.slice(1, at).map((word) => [word.split('=', 1)[0], word.slice(word.indexOf('=') + 1)]);
  return { argv: argv.slice(at), env: Object.fromEntries(assigned) };
}
