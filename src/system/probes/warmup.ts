// A request of the warm-up: the health check, at the paths that are to be warm. Any answer will do that is no server error.
import type { Config } from '../../core/config.ts';
import type { Health } from '../../core/status.ts';
import type { ProbeTarget } from './finding.ts';
import { probe } from './probe.ts';

export function warmupRequest(config: Config, target: ProbeTarget, nth: number, signal: AbortSignal): Promise<Health> {
  const { health } = config;
  if (health.type !== 'http' && health.type !== 'fastcgi') return probe(config, target, signal);
  const { warmupPaths } = health;
  const path = warmupPaths[nth % warmupPaths.length] ?? health.path;
  return probe({ ...config, health: { ...health, path, status: [[100, 499]] } }, target, signal);
}
