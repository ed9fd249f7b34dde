// Waiting until nobody is connected to a backend any more. This is where the promise is kept: a request that is queued in
// a listener's backlog, or that is being answered, dies with its backend.
import { monotonicMs } from '../core/clock.ts';
import type { Connections } from '../core/events.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { delay } from '../system/delay.ts';
import { type App, assertNotAborted, msSince } from './app.ts';

// A connect that followed the link just before it moved may reach the backlog a moment later, and the kernel's table is
// no snapshot: so zero counts only when seen several times in a row, and not before the link has been elsewhere a while.
const QUIET_SAMPLES = 4;
const SAMPLE_PAUSE_MS = 10;
const MIN_LINK_AGE_MS = 250;
// In a container connections may be queued that no table shows; they are accepted, and then seen, within this time.
const MIN_LINK_AGE_IN_CONTAINER_MS = 2_000;
const POLL_MS = 50;

/** When a backend must be given up on, once its connections do not end: counted from the first look at it. */
export class DrainDeadlines {
  readonly #startedAt = new Map<string, number>();
  readonly #timeoutMs: number;
  readonly #hurry: AbortSignal;

  constructor({ config, hurry }: App) {
    this.#timeoutMs = config.drainTimeoutMs;
    this.#hurry = hurry;
  }

  startedAt(backend: BackendRecord): number {
    const known = this.#startedAt.get(backend.instance);
    if (known !== undefined) return known;
    const now = monotonicMs();
    this.#startedAt.set(backend.instance, now);
    return now;
  }

  remainingMs(backend: BackendRecord): number {
    if (this.#hurry.aborted) return 0;
    return Math.max(0, this.startedAt(backend) + this.#timeoutMs - monotonicMs());
  }

  isOver(backend: BackendRecord): boolean {
    return this.remainingMs(backend) === 0;
  }
}

/** Whether nobody is connected, seen several times in a row. Null where it cannot be counted. Takes about 30 ms. */
export async function isQuiet(app: App, backend: BackendRecord, linkSince: number | null): Promise<boolean | null> {
  // Without a link it was perhaps removed just now.
  const linkAge = linkSince === null ? 0 : Math.max(0, Date.now() - linkSince);
  const minimumAge = app.system.isInContainer() ? MIN_LINK_AGE_IN_CONTAINER_MS : MIN_LINK_AGE_MS;
  await delay(Math.max(0, minimumAge - linkAge));
  for (let sample = 0; sample < QUIET_SAMPLES; sample += 1) {
    if (sample > 0) await delay(SAMPLE_PAUSE_MS);
    const connections = await app.system.connections(backend);
    if (connections === null) return null;
    if (total(connections) > 0) return false;
  }
  return true;
}

/**
 * Waits until the backend has no connection, or its deadline has passed. Not under the lock.
 * @throws `aborted`
 */
export async function drain(app: App, backend: BackendRecord, deadlines: DrainDeadlines): Promise<void> {
  const { slot } = backend;
  const startedAt = deadlines.startedAt(backend);
  let shown = await app.system.connections(backend);
  app.emit({
    type: 'waiting',
    for: 'drain',
    slot,
    timeoutMs: app.config.drainTimeoutMs,
    detail: describeConnections(shown),
  });
  using wake = firstOf(app.signal, app.hurry);
  while (!deadlines.isOver(backend)) {
    const lookedAt = monotonicMs();
    const connections = await app.system.connections(backend);
    if (connections !== null && total(connections) === 0) return;
    if (connections === null && hasGone(app, backend)) return;
    if (describeConnections(connections) !== describeConnections(shown)) {
      shown = connections;
      app.emit({
        type: 'still-waiting',
        for: 'drain',
        slot,
        elapsedMs: msSince(startedAt),
        detail: describeConnections(connections),
      });
    }
    // On a host with tens of thousands of sockets a look costs tens of milliseconds: spend a fifth of a core at most.
    const pause = Math.max(POLL_MS, 4 * msSince(lookedAt));
    await delay(Math.min(pause, deadlines.remainingMs(backend)), wake.signal);
    assertNotAborted(app);
  }
}

/** Aborted with either. Not AbortSignal.any: that stays registered with a supervisor's `hurry` for ever (Node 20). */
function firstOf(...signals: readonly AbortSignal[]): Disposable & { readonly signal: AbortSignal } {
  const either = new AbortController();
  const abort = (): void => either.abort();
  for (const signal of signals) {
    if (signal.aborted) abort();
    signal.addEventListener('abort', abort);
  }
  return {
    signal: either.signal,
    [Symbol.dispose]() {
      for (const signal of signals) signal.removeEventListener('abort', abort);
    },
  };
}

/** It has died meanwhile, with everything that it had started: nobody is connected to it. */
function hasGone(app: App, backend: BackendRecord): boolean {
  const state = app.system.record(backend.slot);
  const isThere = state.kind === 'alive' && state.record.instance === backend.instance;
  return !isThere && app.system.leftBehind(backend).length === 0;
}

const total = ({ accepted, queued }: Connections): number => accepted + queued;

export function describeConnections(connections: Connections | null): string {
  if (connections === null) return 'connections cannot be counted here: waiting the whole drainTimeout';
  const { accepted, queued } = connections;
  const open = `${accepted} ${accepted === 1 ? 'connection' : 'connections'} left`;
  return queued === 0 ? open : `${open}, ${queued} queued`;
}
