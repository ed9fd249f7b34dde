// `graceful setup git-hook`: a marked block at the end of the hook, which may be somebody else's for the rest.
import { existsSync, realpathSync, statSync, unlinkSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fail, type GracefulError } from '../core/failure.ts';
import { readIfPresent } from '../system/atomic-file.ts';
import type { AppFacts } from './app-facts.ts';
import { attempt, writeNew } from './files.ts';
import { type HookFacts, postMergeBlock, postReceiveBlock } from './git-hook-text.ts';
import { findBlock, replaceBlock } from './mark.ts';
import { runTool } from './programs.ts';
import type { SetupOptions, SetupReport } from './report.ts';

export async function setupGitHook(facts: AppFacts, options: SetupOptions, cwd: string): Promise<SetupReport> {
  const { action, force } = options;
  const repository = await openRepository(facts, options.repo === null ? null : resolve(cwd, options.repo));
  const kind = options.kind ?? (repository.isBare ? 'post-receive' : 'post-merge');
  if (kind === 'post-merge' && repository.isBare)
    throw fail('usage', 'nothing is merged in a bare repository', { hint: '--kind post-receive' });
  const path = options.to === null ? join(repository.hooks, kind) : resolve(cwd, options.to);
  const hook: HookFacts = {
    app: facts,
    runsIn: kind === 'post-merge' ? repository.workTree : repository.gitDir,
    workTree: repository.workTree,
    isBare: repository.isBare,
    branch: options.branch ?? repository.branch,
  };
  const block = kind === 'post-merge' ? postMergeBlock(hook) : postReceiveBlock(hook);
  const before = attempt(path, () => readIfPresent(path));
  const report = { target: 'git-hook', files: [{ path, text: block }] } as const;
  if (action === 'print')
    return {
      ...report,
      action: 'printed',
      did: [],
      next: [`--write puts it into ${path}${before === null ? '' : ', below what is there'}.`],
    };
  const found = findBlock(before ?? '', facts.configFile);
  if (found === null)
    throw notOurs(path, 'has only one of the two marks left', 'take out what is left of the block by hand');
  const push = kind === 'post-receive' && !repository.isBare ? new PushToWorkTree(facts, repository.gitDir) : null;
  if (action === 'remove') {
    if (found.block === null) return { ...report, action: 'absent', did: [], next: [] };
    const rest = replaceBlock(found, null);
    // Nothing but the line that we had to begin it with.
    attempt(path, () => (rest === SHEBANG ? unlinkSync(path) : writeNew(path, rest, statSync(path).mode & 0o777)));
    return { ...report, action: 'removed', did: (await push?.refuse()) ?? [], next: [] };
  }
  if (before !== null && found.block === null && !force) refuseUnusable(path, before, block);
  const after = replaceBlock(before === null ? { before: SHEBANG, block: null, after: '' } : found, block);
  const isRunnable = existsSync(path) && (statSync(path).mode & 0o100) !== 0;
  const changed = after !== before || !isRunnable;
  if (changed) writeNew(path, after, ((before === null ? 0o644 : statSync(path).mode) & 0o777) | 0o111);
  const did = (await push?.accept()) ?? [];
  return { ...report, action: changed || did.length > 0 ? 'written' : 'unchanged', did, next: WHEN[kind] };
}

const SHEBANG = '#!/bin/sh\n';

const WHEN: Readonly<Record<'post-merge' | 'post-receive', readonly string[]>> = {
  'post-merge': ['git runs it after a `git pull` that brought something; not after one that rebased commits of yours.'],
  'post-receive': ['git runs it after a `git push` to here, and shows its lines to the one who pushed.'],
};

interface Repository {
  readonly isBare: boolean;
  readonly gitDir: string;
  readonly hooks: string;
  readonly workTree: string;
  readonly branch: string;
}

async function openRepository(facts: AppFacts, given: string | null): Promise<Repository> {
  const home = dirname(facts.configFile);
  const at = given ?? home;
  const gitIn = async (cwd: string, ...args: readonly string[]): Promise<string> => {
    const { exitCode, stdout, lines } = await runTool('git', args, { env: withoutGit(facts.env), cwd });
    if (exitCode === 0) return stdout;
    throw fail('setup-failed', `${at} is not a git repository that this user can use`, {
      path: at,
      output: lines,
      hint: '--repo DIR names another',
    });
  };
  if (!existsSync(at)) throw fail('setup-failed', `there is no directory ${at}`, { path: at, output: [], hint: null });
  const isBare = (await gitIn(at, 'rev-parse', '--is-bare-repository')) === 'true';
  const gitDir = realpathSync(await gitIn(at, 'rev-parse', '--absolute-git-dir'));
  const top = isBare ? gitDir : realpathSync(await gitIn(at, 'rev-parse', '--show-toplevel'));
  return {
    isBare,
    gitDir,
    // Asked for there, since a relative core.hooksPath is relative to where git runs its hooks.
    hooks: resolve(top, await gitIn(top, 'rev-parse', '--git-path', 'hooks')),
    workTree: isBare ? realpathSync(home) : top,
    branch: await gitIn(top, 'symbolic-ref', '--short', 'HEAD').catch(() => 'main'),
  };
}

const withoutGit = (env: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('GIT_')));

const notOurs = (path: string, why: string, hint: string, output: readonly string[] = []): GracefulError =>
  fail('setup-failed', `${path} ${why}`, { path, output, hint });

/** What is appended to such a hook would not run, or would be run by something that is no shell. */
function refuseUnusable(path: string, text: string, block: string): void {
  const byHand = 'put these lines where they fit, or --force to append them';
  const shell = /^#![^\n]*\b(?:sh|bash|dash|zsh|ksh)\b/.test(text) || !text.startsWith('#!');
  const lines = block.trimEnd().split('\n');
  if (/\/\.husky\/_\//.test(path))
    throw notOurs(
      path,
      'is written anew by husky at each npm install',
      'put these lines into .husky/, in the file of the same name',
      lines,
    );
  if (!shell || text.includes('\0'))
    throw notOurs(path, 'is not a shell script', 'call `graceful update` from it', lines);
  const last = text.trimEnd().split('\n').at(-1) ?? '';
  if (/^(?:exit|exec|return)\b/.test(last))
    throw notOurs(path, `ends with \`${last}\`, and what comes after it would not run`, byHand, lines);
  if ((statSync(path).mode & 0o111) === 0)
    throw notOurs(
      path,
      'is not executable, so git does not run it; with ours in it, all of it would run',
      byHand,
      lines,
    );
}

/** git refuses a push to the branch that is checked out, unless it is told to bring the work tree along. */
class PushToWorkTree {
  readonly #facts: AppFacts;
  readonly #gitDir: string;

  constructor(facts: AppFacts, gitDir: string) {
    this.#facts = facts;
    this.#gitDir = gitDir;
  }

  async accept(): Promise<readonly string[]> {
    const set = await this.#config('receive.denyCurrentBranch');
    if (set.stdout !== '' && set.stdout !== 'refuse') return [];
    await this.#config('receive.denyCurrentBranch', 'updateInstead');
    return [
      'git config receive.denyCurrentBranch updateInstead: a push brings the work tree along, unless somebody changed files in it',
    ];
  }

  async refuse(): Promise<readonly string[]> {
    if ((await this.#config('receive.denyCurrentBranch')).stdout !== 'updateInstead') return [];
    await this.#config('--unset', 'receive.denyCurrentBranch');
    return ['git config --unset receive.denyCurrentBranch: a push to the branch that is checked out is refused again'];
  }

  #config(...args: readonly string[]) {
    return runTool('git', ['--git-dir', this.#gitDir, 'config', ...args], { env: withoutGit(this.#facts.env) });
  }
}
