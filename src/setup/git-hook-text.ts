// What runs in a hook. Plain sh, within whatever hook is there already.
import { type AppFacts, shellQuote } from './app-facts.ts';
import { blockOf } from './mark.ts';

export interface HookFacts {
  readonly app: AppFacts;
  /** Where git runs the hook: the work tree for post-merge, the repository for post-receive. */
  readonly runsIn: string;
  /** The work tree that the code comes to. */
  readonly workTree: string;
  readonly isBare: boolean;
  readonly branch: string;
}

/** git's variables would reach the app, which would take this repository for its own. A merge has one named by its commit. */
const CLEAN =
  "  unset $(git rev-parse --local-env-vars) GIT_EXEC_PATH GIT_REFLOG_ACTION $(env | sed -n 's/^\\(GITHEAD_[0-9a-f]*\\)=.*/\\1/p')";

const update = ({ app }: HookFacts): readonly string[] => [
  // Over ssh git runs hooks with a short PATH.
  `  PATH=${shellQuote(app.path)}:$PATH ${[...app.graceful, 'update'].map(shellQuote).join(' ')} ||`,
  '    echo "graceful: the code is here, but it is not in service (exit code $?). Traffic is as said above." >&2',
];

/** In a directory of hooks that several repositories share, it is for this one only. The parentheses keep our variables in. */
const onlyHere = ({ runsIn }: HookFacts, condition: string, body: readonly string[]): readonly string[] => [
  `if [ "$(pwd -P)" = ${shellQuote(runsIn)} ]${condition}; then (`,
  ...body,
  ') fi',
];

/** `$1` is 1 for a squash merge, which moves nothing yet. */
export const postMergeBlock = (facts: HookFacts): string =>
  blockOf(facts.app, onlyHere(facts, ' && [ "$1" != 1 ]', [CLEAN, ...update(facts)]));

export function postReceiveBlock(facts: HookFacts): string {
  const { branch, isBare, workTree, runsIn } = facts;
  const checkOut = isBare
    ? [
        `  git --git-dir=${shellQuote(runsIn)} --work-tree=${shellQuote(workTree)} checkout -q -f ${shellQuote(branch)} || exit 1`,
      ]
    : [];
  return blockOf(
    facts.app,
    onlyHere(facts, '', [
      // A hook above may have read what was pushed: then it is not known, and an update too many costs nothing.
      '  pushed=unknown',
      '  while read -r _ new ref; do',
      '    [ "$pushed" = yes ] || pushed=no',
      `    case $new in *[!0]*) [ "$ref" = ${shellQuote(`refs/heads/${branch}`)} ] && pushed=yes ;; esac`,
      '  done',
      '  [ "$pushed" != no ] || exit 0',
      CLEAN,
      ...checkOut,
      `  cd ${shellQuote(workTree)} || exit 1`,
      ...update(facts),
    ]),
  );
}
