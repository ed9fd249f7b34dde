// A request of the warm-up: the health check, at the paths that are to be warm. Any answer will do that is no server error.
import { monotonicMs } from '../../core/clock.ts';
import type { Config, HealthCheck } from '../../core/config.ts';
import type { Health } from '../../core/status.ts';
import type { ProbeTarget } from './finding.ts';
import { probeWithin } from './probe.ts';

/** The `nth` of all, from 0: first those of the first check. */
export async function warmupRequest(
  config: Config,
  target: ProbeTarget,
  nth: number,
  signal: AbortSignal,
): Promise<Health> {
  const startedAt = monotonicMs();
  const finding = await probeWithin(config, checkFor(config.health.checks, nth), target, signal);
  return { ...finding, ms: Math.round(monotonicMs() - startedAt) };
}

function checkFor([check, ...others]: readonly HealthCheck[], nth: number): HealthCheck {
  if (check === undefined) throw new RangeError('there are no more requests in the warm-up');
  if (nth >= check.warmup) return checkFor(others, nth - check.warmup);
  if (check.type !== 'http' && check.type !== 'fastcgi') return check;
  const path = check.warmupPaths[nth % check.warmupPaths.length] ?? check.path;
  return { ...check, path, status: [[100, 499]] };
}
