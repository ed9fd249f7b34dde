// git, asked about the app's checkout. No hook of the repository runs: what is checked out here deploys nothing by itself.
import { execa } from 'execa';
import { fail } from '../../core/failure.ts';
import { spawning } from '../processes/spawn.ts';

/** @throws `release-failed`, with the command and what it said. */
export async function git(cwd: string, args: readonly string[], signal?: AbortSignal): Promise<string> {
  const { child } = await spawning(() =>
    execa('git', ['-c', 'core.hooksPath=/dev/null', ...args], {
      cwd,
      // In a git hook GIT_DIR is set, and would name that repository instead of the app's.
      env: Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GIT_'))),
      extendEnv: false,
      reject: false,
      stdin: 'ignore',
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    }),
  );
  const result = await child;
  if (!result.failed) return result.stdout;
  const output = result.stderr.trim() === '' ? [] : result.stderr.trim().split('\n').slice(-20);
  const reason =
    result.exitCode === undefined
      ? (result.shortMessage ?? 'it could not be started')
      : (output[0] ?? `exit code ${result.exitCode}`);
  const command = `git ${args.join(' ')}`;
  throw fail('release-failed', `${command}: ${reason}`, { command, reason, output });
}
