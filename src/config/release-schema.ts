// The `release` key: each deployed commit in a git worktree of its own.
import { description, integer, literal, minValue, number, optional, pipe, union } from 'valibot';
import { closed, command, positiveDuration, text } from './schema-parts.ts';

const RELEASE = '"git", or an object such as { "type": "git", "prepare": "npm ci" }';
const KEEP = 'a whole number, at least 2';
const git = literal('git', 'git');

export const release = union(
  [
    git,
    closed({
      type: pipe(git, description('Each update runs from a git worktree of its commit.')),
      dir: optional(pipe(text('a path'), description('Where the worktrees are made.')), 'releases'),
      keep: optional(
        pipe(
          number(KEEP),
          integer(KEEP),
          minValue(2, KEEP),
          description(
            'How many worktrees stay. One that a slot runs from, or could be rolled back to, stays in any case.',
          ),
        ),
        5,
      ),
      prepare: optional(
        pipe(command, description('Runs in a fresh worktree before anything is started from it, such as `npm ci`.')),
      ),
      timeout: optional(positiveDuration('How long making and preparing a worktree may take.'), '10m'),
    }),
  ],
  RELEASE,
);
