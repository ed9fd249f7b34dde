// One round of a backend's health checks. It never throws for a sick backend: the answer is the finding.
import { monotonicMs } from '../../core/clock.ts';
import type { Config, HealthCheck } from '../../core/config.ts';
import type { Health } from '../../core/status.ts';
import { probeConnect } from './connect.ts';
import type { Finding, ProbeTarget } from './finding.ts';
import { probeHttp } from './http.ts';
import { Limit } from './limit.ts';

/** Probes once by each check, side by side. What runs a program is loaded only when it is configured: start-up is a feature. */
export async function probe(config: Config, target: ProbeTarget, signal?: AbortSignal): Promise<Health> {
  const { checks } = config.health;
  const startedAt = monotonicMs();
  const findings = await Promise.all(checks.map((check) => probeWithin(config, check, target, signal)));
  return { ...together(checks, findings), ms: Math.round(monotonicMs() - startedAt) };
}

/** Of several: what passed when all of them did, else what did not. */
function together(checks: readonly HealthCheck[], findings: readonly Finding[]): Finding {
  const [first] = findings;
  if (first !== undefined && findings.length === 1) return first;
  const ok = findings.every((finding) => finding.ok);
  const told = findings.flatMap((finding, index) => {
    const check = checks[index];
    return check !== undefined && finding.ok === ok ? [`${nameOf(check, checks)}: ${finding.detail}`] : [];
  });
  return { ok, detail: told.join('; ') };
}

/** Its type, and where that does not tell it from the others, what it asks for. */
function nameOf(check: HealthCheck, checks: readonly HealthCheck[]): string {
  if (checks.filter(({ type }) => type === check.type).length === 1) return check.type;
  if (check.type === 'http' || check.type === 'fastcgi') return `${check.type} ${check.path}`;
  return check.type === 'exec' ? `${check.type} ${check.command[0]}` : check.type;
}

/** What has to be asked, and may not answer. */
type Asking = Exclude<HealthCheck, { type: 'notify' | 'ipc' }>;

/** One probe by one check, within its timeout. */
export async function probeWithin(
  config: Config,
  check: HealthCheck,
  target: ProbeTarget,
  signal?: AbortSignal,
): Promise<Finding> {
  if (check.type === 'notify' || check.type === 'ipc')
    return (await import('../said.ts')).probeSaid(check.type, target);
  using limit = new Limit(check.timeoutMs, signal);
  const { ok, detail } = await probeBy(config, check, target, limit);
  return { ok, detail: !ok && limit.timedOut ? `no answer in ${check.timeoutMs} ms (${detail})` : detail };
}

async function probeBy(config: Config, check: Asking, target: ProbeTarget, limit: Limit): Promise<Finding> {
  switch (check.type) {
    case 'connect':
      return probeConnect(target, limit);
    case 'http':
      return probeHttp(check, target.socketPath, limit);
    case 'fastcgi':
      return (await import('./fastcgi.ts')).probeFastcgi(check, target.socketPath, limit);
    case 'exec':
      return (await import('./exec.ts')).probeExec(config, check.command, target, limit.asSignal());
  }
}
