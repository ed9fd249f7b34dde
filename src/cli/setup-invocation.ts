// `setup` as it was asked for: which flags go with which target.
import { fail } from '../core/failure.ts';
import type { SetupOptions, Target } from '../setup/report.ts';
import type { FlagName } from './commands.ts';
import type { Globals, Invocation } from './invocation.ts';

type Flag = FlagName<'setup'>;

interface Given {
  readonly globals: Globals;
  readonly words: readonly string[];
  has(flag: Flag): boolean;
  text(flag: Flag): string | null;
}

/** Flags of one target only. */
const ONLY: Readonly<Record<Target, readonly Flag[]>> = {
  nginx: ['server-name', 'listen', 'variant', 'reload'],
  crontab: [],
  systemd: ['mode', 'user', 'enable'],
  'git-hook': ['kind', 'repo', 'branch'],
  logrotate: [],
};

/** @throws `usage` when it makes no sense. */
export function setupInvocation(given: Given): Extract<Invocation, { kind: 'setup' }> {
  const [target] = given.words as readonly Target[];
  if (target === undefined)
    throw fail('usage', 'setup needs to know what: nginx, crontab, systemd, git-hook or logrotate', {
      hint: '`graceful setup crontab` prints the lines for cron',
    });
  for (const [owner, flags] of Object.entries(ONLY) as [Target, readonly Flag[]][])
    for (const flag of flags)
      if (owner !== target && given.has(flag))
        throw fail('usage', `setup ${target} does not take --${flag}`, { hint: `it is a flag of setup ${owner}` });
  if (given.has('to') && target === 'crontab') throw fail('usage', 'setup crontab does not take --to', {});
  if (given.has('write') && given.has('remove')) throw fail('usage', '--write and --remove contradict each other', {});
  const options: SetupOptions = {
    action: given.has('write') ? 'write' : given.has('remove') ? 'remove' : 'print',
    force: given.has('force'),
    to: given.text('to'),
    serverName: given.has('server-name') ? given.text('server-name') : null,
    listen: given.has('listen') ? given.text('listen') : null,
    variant: oneOf(given, 'variant', ['plain', 'keepalive', 'fastcgi']),
    mode: oneOf(given, 'mode', ['supervisor', 'timers']) ?? 'supervisor',
    user: given.has('user'),
    kind: oneOf(given, 'kind', ['post-merge', 'post-receive']),
    repo: given.text('repo'),
    branch: given.text('branch'),
    reload: given.has('reload'),
    enable: given.has('enable'),
  };
  return { kind: 'setup', target, options, globals: given.globals };
}

function oneOf<const Choice extends string>(given: Given, flag: Flag, choices: readonly Choice[]): Choice | null {
  const value = given.text(flag);
  if (value === null) return null;
  const found = choices.find((choice) => choice === value);
  if (found === undefined) throw fail('usage', `--${flag}: found ${value}, expected ${choices.join(' or ')}`, {});
  return found;
}
