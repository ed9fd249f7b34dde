// `graceful doctor`: the findings, shown, and what they come to as an exit code.
import type { Invocation } from '../cli/invocation.ts';
import { showFindings } from '../cli/show-findings.ts';
import { GracefulError } from '../core/failure.ts';
import { examineApp, refusalFindings } from '../doctor/doctor.ts';
import type { Finding } from '../doctor/finding.ts';
import { exitCodeOf } from '../doctor/verdict.ts';
import { status } from '../operations/status.ts';
import { openAppSystem } from '../system/app-system.ts';
import type { Surroundings } from './surroundings.ts';

export async function examine(
  { globals, strict, ...options }: Extract<Invocation, { kind: 'doctor' }>,
  { configFor, colour, stdout }: Surroundings,
): Promise<number> {
  const show = (findings: readonly Finding[]): void =>
    showFindings(findings, { json: globals.json, quiet: globals.quiet, colour: colour(globals), stdout });
  try {
    const system = openAppSystem(await configFor(globals));
    const findings = await examineApp(system, { ...options, status: () => status(system) });
    show(findings);
    return exitCodeOf(findings, strict);
  } catch (thrown) {
    const error = GracefulError.from(thrown);
    const findings = refusalFindings(error);
    if (findings === null) throw error;
    show(findings);
    return error.exitCode;
  }
}
