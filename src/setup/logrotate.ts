// `graceful setup logrotate`: rotation of what the backends write, as docs/logs.md has it.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fail } from '../core/failure.ts';
import type { AppFacts } from './app-facts.ts';
import { install, stamped, uninstall, writeNew } from './files.ts';
import { markOf } from './mark.ts';
import { runTool } from './programs.ts';
import type { SetupOptions, SetupReport } from './report.ts';

export async function setupLogrotate(facts: AppFacts, { action, force, to }: SetupOptions): Promise<SetupReport> {
  const path = to ?? `/etc/logrotate.d/graceful-${facts.name}`;
  const text = stamped(markOf(facts), 'graceful setup logrotate', logrotateText(facts));
  const report = { target: 'logrotate', files: [{ path, text }], did: [], next: [] } as const;
  if (action === 'print')
    return { ...report, action: 'printed', next: [`--write puts it into ${path} and has logrotate check it.`] };
  const whose = { configFile: facts.configFile, force };
  if (action === 'remove')
    return { ...report, action: uninstall({ path, text }, whose) === null ? 'absent' : 'removed' };
  await check(text, facts);
  const done = install({ path, text }, whose);
  return { ...report, action: done === null ? 'unchanged' : 'written', did: ['logrotate -d: the file is right'] };
}

export const logrotateText = ({
  config,
  user,
  group,
}: AppFacts): string => `# A backend keeps its log open for as long as it lives, so the file is copied and emptied, not renamed.
"${config.stateDir}/${config.name}-a.log" "${config.stateDir}/${config.name}-b.log" {
    su ${user} ${group}
    daily
    rotate 7
    copytruncate
    compress
    delaycompress
    missingok
    notifempty
}
`;

/** By logrotate itself, which in this mode changes nothing. */
async function check(text: string, { env }: AppFacts): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'graceful-'));
  try {
    writeNew(join(dir, 'app'), text, 0o644);
    const { exitCode, lines } = await runTool('logrotate', ['-d', '-s', join(dir, 'state'), join(dir, 'app')], { env });
    const errors = lines.filter((line) => line.startsWith('error:'));
    if (exitCode !== 0 || errors.length > 0)
      throw fail('setup-failed', 'logrotate does not take it', {
        path: null,
        output: errors.length > 0 ? errors : lines,
        hint: null,
      });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
