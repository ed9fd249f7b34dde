// Whether the active backend needs healing: what keepalive asks, and whoever acts on the answer asks again under the lock.
import { firstLook } from '../core/plan.ts';
import { delay } from '../system/delay.ts';
import type { App } from './app.ts';
import { observe, type Snapshot } from './observe.ts';

export type Finding =
  | { readonly action: 'none' }
  | { readonly action: 'left-down' }
  /** `sick`: the instance that fails its check, if it is not dead. */
  | { readonly action: 'heal'; readonly reason: string; readonly sick: string | null };

/** `health.interval` is made for a start. A running app may hiccup for a moment (a database that fails over). */
const MIN_PAUSE_MS = 1_000;

/**
 * Whether the active backend needs healing: dead at once, sick after `failures` failed probes in a row. One that was found
 * sick a moment ago (`sick`, its instance) is asked only once more: to a hung backend each question costs `health.timeout`.
 */
export async function examine(app: App, snapshot: Snapshot, sick: string | null = null): Promise<Finding> {
  const heal = (reason: string, instance: string | null = null): Finding => ({
    action: 'heal',
    reason,
    sick: instance,
  });
  const look = firstLook(snapshot);
  if (look.say === 'left-down') return { action: 'left-down' };
  if (look.say === 'heal') return heal(look.reason);
  const { slot: active, backend } = look;
  const isKnown = backend.instance === sick;
  const limit = isKnown ? 1 : app.config.health.failures;
  let detail = '';
  for (let failures = 1; failures <= limit; failures += 1) {
    if (failures > 1) await delay(Math.max(app.config.health.intervalMs, MIN_PAUSE_MS), app.signal);
    const health = await app.system.probe(backend, 'link', app.signal);
    if (health.ok) return { action: 'none' };
    detail = health.detail;
    if (!isKnown) app.emit({ type: 'health-failed', slot: active, failures, limit, detail });
    // Dead now: no need to ask again.
    if (observe(app).backends[active] === null) return heal(`the backend in slot ${active} died`);
  }
  return heal(`slot ${active} failed its health check ${limit} times: ${detail}`, backend.instance);
}
