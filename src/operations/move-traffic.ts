// The switch: one rename(2), then a probe through the link. The probe is the commit point; until it has passed, the way
// back is open and is taken.
import { fail, GracefulError } from '../core/failure.ts';
import type { Health } from '../core/status.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { delay } from '../system/delay.ts';
import { type App, assertNotAborted } from './app.ts';
import { runAfterSwitch } from './hooks.ts';
import type { Snapshot } from './observe.ts';
import { noteServing } from './versions.ts';

const PROBES = 3;

/** A backend to lead traffic to; a fresh one is told to stay once traffic can have reached it. */
export interface Reachable {
  readonly backend: BackendRecord;
  keep?(): void;
  /** The earlier version that it is, started anew: its instance. */
  readonly inPlaceOf?: string;
}

/**
 * Points the link at a backend that is ready. Only under the lock.
 * @throws `verify-failed` when it does not answer through the link; the link then leads where it did before.
 */
export async function moveTraffic(app: App, before: Snapshot, to: Reachable): Promise<void> {
  const { link, desired } = app.system;
  const { backend } = to;
  const { slot } = backend;
  // The last moment at which the operator may change his mind.
  assertNotAborted(app);
  await app.system.applySocketRights(slot, false);
  assertStillThere(app, backend);
  if (before.desired === 'down') {
    desired.write('up', app.operation);
    app.emit({ type: 'desired-changed', desired: 'up' });
  }
  try {
    link.point(slot);
  } catch (error) {
    if (before.desired === 'down') desired.write('down', app.operation);
    throw error;
  }
  // From now on clients may be connected to it: whatever happens, it is not simply stopped.
  to.keep?.();
  app.emit({ type: 'traffic-switched', from: before.active, to: slot });

  const health = await probeThroughLink(app, backend);
  if (health.ok) {
    app.emit({ type: 'switch-verified', slot, ms: health.ms, detail: health.detail });
    noteServing(app, before.active === null ? null : before.backends[before.active], backend, to.inPlaceOf);
    await runAfterSwitch(app, before.active, backend);
    return;
  }
  if (before.active === null) link.remove();
  else link.point(before.active);
  if (before.desired === 'down') desired.write('down', app.operation);
  app.emit({ type: 'traffic-restored', to: before.active, reason: health.detail });
  throw fail('verify-failed', `slot ${slot} does not answer through the link: ${health.detail}`, {
    slot,
    detail: health.detail,
  });
}

/** It has passed its gate, and may have died since. @throws `slot-not-ready`, before any client is led to it. */
function assertStillThere(app: App, backend: BackendRecord): void {
  if (isThere(app, backend)) return;
  const { slot, pid } = backend;
  const detail = `process ${pid} died right before the switch`;
  throw fail('slot-not-ready', `slot ${slot}: ${detail}`, { slot, state: 'stopped', detail });
}

const isThere = (app: App, { slot }: BackendRecord): boolean => app.system.record(slot).kind === 'alive';

/** A few times: one lost probe must not undo a good update. A dead backend is no lost probe. */
async function probeThroughLink(app: App, backend: BackendRecord): Promise<Health> {
  try {
    let health = await app.system.probe(backend, 'link');
    for (let probes = 1; !health.ok && probes < PROBES && isThere(app, backend); probes += 1) {
      await delay(app.config.health.intervalMs);
      health = await app.system.probe(backend, 'link');
    }
    return health;
  } catch (error) {
    // EMFILE, ENOMEM: what could not be asked has not answered, and the way back is taken.
    return { ok: false, detail: GracefulError.from(error).message, ms: 0 };
  }
}
