// What doctor found, for people: the worst last, where the eye is; and one line of JSON for programs.
import pc from 'picocolors';
import type { Finding, Severity } from '../doctor/finding.ts';
import { type OutputStream, outputTo } from './output.ts';
import { printable } from './text.ts';

export interface ShowFindingsOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly colour: boolean;
  readonly stdout: OutputStream;
}

const MARKS: Readonly<Record<Severity, string>> = { ok: '✓', note: 'i', warning: '!', error: '✗' };

/** Prints the findings. With -q only those that have to be mended; with --json all of them in one object on one line. */
export function showFindings(findings: readonly Finding[], { json, quiet, colour, stdout }: ShowFindingsOptions): void {
  const { write } = outputTo(stdout);
  if (json) {
    write(`${JSON.stringify({ findings })}\n`);
    return;
  }
  const paint = pc.createColors(colour);
  const colours = { ok: paint.green, note: paint.cyan, warning: paint.yellow, error: paint.red };
  const shown = quiet ? findings.filter(({ severity }) => severity === 'warning' || severity === 'error') : findings;
  for (const { check, severity, message, fix } of shown) {
    write(`${colours[severity](MARKS[severity])} ${paint.bold(check)}  ${printable(message)}\n`);
    if (fix !== null) write(`    ${paint.dim('→')} ${printable(fix)}\n`);
  }
  if (!quiet) write(`\n${summary(findings)}\n`);
}

function summary(findings: readonly Finding[]): string {
  const count = (severity: Severity): number => findings.filter((finding) => finding.severity === severity).length;
  const plural = (number: number, word: string): string => `${number} ${word}${number === 1 ? '' : 's'}`;
  const [errors, warnings] = [count('error'), count('warning')];
  if (errors + warnings === 0) return `All well: ${count('ok')} checks passed.`;
  return `${plural(errors, 'error')}, ${plural(warnings, 'warning')}; ${count('ok')} checks passed.`;
}
