// One probe of a backend's health. It never throws for a sick backend: the answer is the finding.
import { monotonicMs } from '../../core/clock.ts';
import type { Config } from '../../core/config.ts';
import type { Health } from '../../core/status.ts';
import { probeConnect } from './connect.ts';
import type { Finding, ProbeTarget } from './finding.ts';
import { probeHttp } from './http.ts';
import { Limit } from './limit.ts';

/** Probes once, within `health.timeout`. What runs a program is loaded only when it is configured: start-up is a feature. */
export async function probe(config: Config, target: ProbeTarget, signal?: AbortSignal): Promise<Health> {
  const { health } = config;
  const startedAt = monotonicMs();
  using limit = new Limit(health.timeoutMs, signal);
  const { ok, detail } = await probeBy(config, target, limit);
  const timedOut = !ok && limit.timedOut;
  return {
    ok,
    detail: timedOut ? `no answer in ${health.timeoutMs} ms (${detail})` : detail,
    ms: Math.round(monotonicMs() - startedAt),
  };
}

async function probeBy(config: Config, target: ProbeTarget, limit: Limit): Promise<Finding> {
  const { health } = config;
  switch (health.type) {
    case 'connect':
      return probeConnect(target, limit);
    case 'http':
      return probeHttp(health, target.socketPath, limit);
    case 'fastcgi':
      return (await import('./fastcgi.ts')).probeFastcgi(health, target.socketPath, limit);
    case 'exec':
      return (await import('./exec.ts')).probeExec(config, health.command, target, limit.asSignal());
  }
}
