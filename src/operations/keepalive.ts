// What cron calls every minute, and what the supervisor calls when something dies: see that a healthy backend is active.
import { monotonicMs } from '../core/clock.ts';
import { GracefulError } from '../core/failure.ts';
import type { KeepaliveAction, OperationInputs, Outcomes } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import { delay } from '../system/delay.ts';
import { type App, msSince } from './app.ts';
import { observe, type Snapshot } from './observe.ts';

type Finding =
  | { readonly action: 'none' }
  | { readonly action: 'left-down' }
  | { readonly action: 'heal'; readonly reason: string; readonly sick: string | null };

/** Healthy is the normal case: it takes no lock, writes nothing, and loads nothing that healing would need. */
export async function keepalive(app: App, _input: OperationInputs['keepalive']): Promise<Outcomes['keepalive']> {
  const startedAt = monotonicMs();
  const snapshot = observe(app);
  const done = (action: KeepaliveAction, active: Slot | null, reason: string): Outcomes['keepalive'] => ({
    operation: 'keepalive',
    action,
    active,
    reason,
    ms: msSince(startedAt),
  });

  const finding = await examine(app, snapshot);
  if (finding.action === 'none') return done('none', snapshot.active, 'the active backend is healthy');
  if (finding.action === 'left-down') return done('left-down', snapshot.active, 'the app was stopped on purpose');
  try {
    const { heal } = await import('./heal.ts');
    const healed = await heal(app, finding.reason, finding.sick);
    return done(healed.action, healed.active, finding.reason);
  } catch (error) {
    // Whoever holds the lock is at work on this app, and the next call comes within a minute.
    if (error instanceof GracefulError && error.failure.code === 'busy')
      return done('busy', snapshot.active, error.failure.message);
    throw error;
  }
}

/**
 * Whether the active backend needs healing: dead at once, sick after `failures` failed probes in a row. One that was found
 * sick a moment ago (`sick`, its instance) is asked only once more: to a hung backend each question costs `health.timeout`.
 */
export async function examine(
  app: App,
  { desired, active, backends }: Snapshot,
  sick: string | null = null,
): Promise<Finding> {
  if (desired === 'down') return { action: 'left-down' };
  const heal = (reason: string, instance: string | null = null): Finding => ({
    action: 'heal',
    reason,
    sick: instance,
  });
  if (active === null) return heal('nothing is active');
  const backend = backends[active];
  if (backend === null) return heal(`the backend in slot ${active} is gone`);
  const isKnown = backend.instance === sick;
  const limit = isKnown ? 1 : app.config.health.failures;
  let detail = '';
  for (let failures = 1; failures <= limit; failures += 1) {
    if (failures > 1) await delay(app.config.health.intervalMs, app.signal);
    const health = await app.system.probe(backend, 'link', app.signal);
    if (health.ok) return { action: 'none' };
    detail = health.detail;
    if (!isKnown) app.emit({ type: 'health-failed', slot: active, failures, limit, detail });
    // Dead now: no need to ask again.
    if ((await observe(app)).backends[active] === null) return heal(`the backend in slot ${active} died`);
  }
  return heal(`slot ${active} failed its health check ${limit} times: ${detail}`, backend.instance);
}
