// What `graceful setup` did. Printed, the text alone is on stdout, so that it can go into a file or through a pipe.
import type { SetupReport } from '../setup/report.ts';

export interface Shown {
  readonly stdout: string;
  readonly stderr: string;
}

export function showSetup(
  report: SetupReport,
  { json, quiet }: { readonly json: boolean; readonly quiet: boolean },
): Shown {
  const { action, files, did, next } = report;
  if (json) return { stdout: `${JSON.stringify({ outcome: { command: 'setup', ...report } })}\n`, stderr: '' };
  if (action === 'printed') return { stdout: texts(files), stderr: quiet ? '' : lines(next) };
  if (quiet) return { stdout: '', stderr: '' };
  const headline = files.map(({ path }) => HEADLINES[action](path));
  return { stdout: lines([...headline, ...did, ...next]), stderr: '' };
}

const HEADLINES = {
  // `the crontab of deploy` holds more than ours.
  written: (path: string) => (path.startsWith('/') ? `wrote ${path}` : `put it into ${path}`),
  unchanged: (path: string) => `${path} is as it should be: nothing to do`,
  removed: (path: string) => `took it out of ${path}`,
  absent: (path: string) => `there is nothing of this app in ${path}: nothing to do`,
} as const;

const lines = (all: readonly string[]): string => all.map((line) => `${line}\n`).join('');

/** Several files, each under its path. */
const texts = (files: SetupReport['files']): string =>
  files.length === 1 ? (files[0]?.text ?? '') : files.map(({ path, text }) => `# --- ${path}\n${text}`).join('\n');
