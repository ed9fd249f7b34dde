// `graceful setup crontab`: two lines between our marks in the user's crontab; every other byte stays.
import { userInfo } from 'node:os';
import { fail } from '../core/failure.ts';
import { type AppFacts, asRoot, notFound, olderThan, shellQuote } from './app-facts.ts';
import { blockOf, findBlock, replaceBlock } from './mark.ts';
import { runTool } from './programs.ts';
import type { SetupOptions, SetupReport } from './report.ts';

export async function setupCrontab(facts: AppFacts, { action }: SetupOptions): Promise<SetupReport> {
  const block = crontabBlock(facts);
  const user = userInfo().username;
  const path = `the crontab of ${user}`;
  const report = { target: 'crontab', files: [{ path, text: block }], did: [] } as const;
  const root =
    user === 'root' ? asRoot(facts, '`sudo -u USER graceful setup crontab --write` makes it another user.') : [];
  const warning = [...root, ...notFound(facts)];
  if (action === 'print')
    return { ...report, action: 'printed', next: [`--write puts them into ${path}.`, ...warning] };
  if (action === 'write' && user !== facts.user)
    throw fail('setup-failed', `the state dir ${facts.config.stateDir} is ${facts.user}'s, and this would be ${path}`, {
      path: null,
      output: [],
      hint: `sudo -u ${facts.user} graceful setup crontab --write`,
    });
  const before = await readCrontab(facts);
  const found = findBlock(before, facts.configFile);
  if (found === null)
    throw fail(
      'setup-failed',
      `in ${path} only one of the two marks is left, so it is not known what is between them`,
      {
        path: null,
        output: [],
        hint: '`crontab -e`: take out what is left of it',
      },
    );
  const after = replaceBlock(found, action === 'write' ? block : null);
  if (after === before) return { ...report, action: action === 'write' ? 'unchanged' : 'absent', next: [] };
  await writeCrontab(facts, after);
  return {
    ...report,
    action: action === 'write' ? 'written' : 'removed',
    next: action === 'write' ? ['cron has to be running; `graceful doctor` looks.', ...warning] : [],
  };
}

/** cron gives its own PATH. Set for each line alone: an assignment on a line of its own would hold for those of others, too. */
export function crontabBlock(facts: AppFacts): string {
  const { schedule } = facts.config;
  const call = (...args: readonly string[]): string =>
    // A bare % would end the command and begin its input.
    [`PATH=${shellQuote(facts.path)}`, ...[...facts.graceful, ...args].map(shellQuote)]
      .join(' ')
      .replaceAll('%', '\\%');
  return blockOf(facts, [
    `${fields(schedule.keepalive) ?? '* * * * *'} ${call('keepalive')}`,
    `${fields(schedule.stopInactive) ?? '*/5 * * * *'} ${call('-q', 'stop', '--inactive', '--older-than', olderThan(facts))}`,
  ]);
}

/** Five fields, as cron reads them; an expression with seconds is for the supervisor only. */
const fields = (expression: string | null): string | null =>
  expression !== null && /^\s*\S+(?:\s+\S+){4}\s*$/.test(expression) ? expression.trim() : null;

async function readCrontab({ env }: AppFacts): Promise<string> {
  const { exitCode, stdout, lines } = await runTool('crontab', ['-l'], { env, raw: true });
  if (exitCode === 0) return stdout;
  if (/no crontab for/.test(lines.join('\n'))) return '';
  throw refused('crontab -l', lines);
}

async function writeCrontab({ env }: AppFacts, text: string): Promise<void> {
  const { exitCode, lines } =
    text === '' ? await runTool('crontab', ['-r'], { env }) : await runTool('crontab', ['-'], { env, input: text });
  if (exitCode !== 0) throw refused('crontab', lines);
}

const refused = (what: string, output: readonly string[]) =>
  fail('setup-failed', `${what} failed for user ${userInfo().username}`, { path: null, output, hint: null });
