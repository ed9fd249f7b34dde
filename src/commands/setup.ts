// `graceful setup`: wires the target's file to the app and to whoever reads the answer.

import { resolve } from 'node:path';
import type { Invocation } from '../cli/invocation.ts';
import { outputTo } from '../cli/output.ts';
import { showSetup } from '../cli/show-setup.ts';
import { type AppFacts, factsOf } from '../setup/app-facts.ts';
import type { SetupOptions, SetupReport, Target } from '../setup/report.ts';
import type { Surroundings } from './surroundings.ts';

/** Returns the exit code. @throws `usage` or `setup-failed`, with nothing changed. */
export async function setUp(
  { target, options, globals }: Extract<Invocation, { kind: 'setup' }>,
  { argv, env, cwd, configFor, stdout, stderr }: Surroundings,
): Promise<number> {
  const config = await configFor(globals);
  const [node = '', script = ''] = argv;
  const stateDirGiven = globals.stateDir !== null || (env['GRACEFUL_STATEDIR'] ?? '') !== '';
  const facts = factsOf(config, config.file ?? '', { node, script: resolve(cwd, script), env, stateDirGiven });
  const to = options.to === null ? null : resolve(cwd, options.to);
  const shown = showSetup(await perform(target, facts, { ...options, to }, cwd), globals);
  outputTo(stdout).write(shown.stdout);
  outputTo(stderr).write(shown.stderr);
  return 0;
}

async function perform(target: Target, facts: AppFacts, options: SetupOptions, cwd: string): Promise<SetupReport> {
  switch (target) {
    case 'nginx':
      return (await import('../setup/nginx.ts')).setupNginx(facts, options);
    case 'crontab':
      return (await import('../setup/crontab.ts')).setupCrontab(facts, options);
    case 'systemd':
      return (await import('../setup/systemd.ts')).setupSystemd(facts, options);
    case 'git-hook':
      return (await import('../setup/git-hook.ts')).setupGitHook(facts, options, cwd);
    case 'logrotate':
      return (await import('../setup/logrotate.ts')).setupLogrotate(facts, options);
  }
}
