// After the switch: the new version is asked again and again for a while, and traffic goes back when it dies or fails. The
// lock is not held meanwhile. The old backend stands by: keepalive and `stop --inactive` leave it alone, any other
// command may take it away, and then there is nothing to go back to.
import { monotonicMs } from '../core/clock.ts';
import { fail, GracefulError } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { delay } from '../system/delay.ts';
import { type App, msSince, undoing } from './app.ts';
import type { FreshBackend } from './bring-up.ts';
import { moveTraffic } from './move-traffic.ts';
import { isReady, observe, type Snapshot, settle } from './observe.ts';
import { stopBackend } from './stop.ts';

/** Longer would overlook a death; a long `health.interval` is made for a start. */
const MAX_PAUSE_MS = 1_000;

type Verdict = { readonly is: 'good' | 'left' | 'superseded' } | { readonly is: 'bad'; readonly reason: Reason };

interface Reason {
  readonly what: string;
  /** What its health check said last. */
  readonly detail: string;
}

/** The backend that traffic has just left stands by. Under the lock; best effort, since traffic has moved. */
export function standBy(app: App, { active, backends }: Snapshot, watchMs: number): void {
  const old = active === null ? null : backends[active];
  if (old === null) return;
  const { failures, timeoutMs } = app.config.health;
  try {
    // The last verdict may take longer than the watch.
    app.system.standBy(old, watchMs + failures * (timeoutMs + MAX_PAUSE_MS));
  } catch (error) {
    app.emit({ type: 'warned', about: `slot ${old.slot}`, detail: GracefulError.from(error).message });
  }
}

/**
 * @returns `cut-short` when the operator wanted to wait no longer: the switch stands.
 * @throws `rolled-back`, `not-serving` when there was nothing to go back to, `superseded`
 */
export async function watch(
  app: App,
  fresh: Pick<FreshBackend, 'backend' | 'logStart'>,
  { from, watchMs }: { readonly from: Slot | null; readonly watchMs: number },
): Promise<'passed' | 'cut-short'> {
  const startedAt = monotonicMs();
  const { slot } = fresh.backend;
  app.emit({ type: 'waiting', for: 'watch', slot, timeoutMs: watchMs });
  const verdict = await judge(app, fresh.backend, watchMs);
  if (verdict.is === 'bad')
    throw await goBack(app, fresh, { from, reason: verdict.reason, afterMs: msSince(startedAt) });
  await standDown(app, from);
  if (verdict.is === 'superseded') throw superseded(slot);
  return verdict.is === 'good' ? 'passed' : 'cut-short';
}

/** Until the time is up and the last probe was good, or `failures` in a row were bad. */
async function judge(app: App, backend: BackendRecord, watchMs: number): Promise<Verdict> {
  const { slot } = backend;
  const { intervalMs, failures: limit } = app.config.health;
  const end = monotonicMs() + watchMs;
  let failures = 0;
  let detail = '';
  while (failures > 0 || monotonicMs() < end) {
    const leftMs = failures > 0 ? MAX_PAUSE_MS : Math.max(0, end - monotonicMs());
    await delay(Math.min(intervalMs, MAX_PAUSE_MS, leftMs), app.dismissed);
    if (app.dismissed.aborted) return { is: 'left' };
    const health = await app.system.probe(backend, 'link', app.dismissed);
    const fate = fateOf(app, backend);
    // Traffic was led away: by somebody who saw it fail as well, or who wanted something else.
    if (fate === 'moved')
      return failures > 0 || !(await isReady(app, backend))
        ? { is: 'bad', reason: { what: 'fails its health check', detail: health.detail } }
        : { is: 'superseded' };
    if (fate === 'stopped') return { is: 'superseded' };
    if (fate === 'died') return { is: 'bad', reason: { what: 'died', detail: health.detail } };
    if (app.dismissed.aborted) return { is: 'left' };
    failures = health.ok ? 0 : failures + 1;
    detail = health.detail;
    if (health.ok) continue;
    app.emit({ type: 'health-failed', slot, failures, limit, detail });
    if (failures >= limit) return { is: 'bad', reason: { what: `failed its health check ${limit} times`, detail } };
  }
  return { is: 'good' };
}

/** What has become of it, as far as can be seen without asking it. */
function fateOf(app: App, { slot, instance }: BackendRecord): 'serves' | 'moved' | 'stopped' | 'died' {
  const { desired, active, backends } = observe(app);
  const isThere = backends[slot]?.instance === instance;
  if (isThere && desired === 'up' && active === slot) return 'serves';
  const ended = app.system.versions.read().list.find((version) => version.instance === instance)?.ended ?? null;
  if (desired === 'down' || (ended !== null && ended.by !== null)) return 'stopped';
  return isThere ? 'moved' : 'died';
}

interface Way {
  readonly from: Slot | null;
  readonly reason: Reason;
  readonly afterMs: number;
}

/** Traffic back to the old backend, and the new one drained and stopped; what the operator has to know of it. */
async function goBack(
  watching: App,
  { backend, logStart }: Pick<FreshBackend, 'backend' | 'logStart'>,
  { from, reason, afterMs }: Way,
): Promise<GracefulError> {
  const { slot, release } = backend;
  const app = undoing(watching);
  const { what, detail } = reason;
  app.emit({ type: 'warned', about: `slot ${slot}`, detail: `the new version ${what} (${detail}): going back` });
  const log = await app.system.logTail(slot, logStart);
  const end = await leadBack(app, backend, from);
  if (end === null || end === 'superseded') await standDown(app, from);
  if (end === 'superseded') return superseded(slot);
  if (end === null) {
    const nowhere = from === null ? 'nothing served before it' : `slot ${from} is not ready to go back to`;
    return fail('not-serving', `slot ${slot}: the new version ${what} (${detail}), and ${nowhere}`, {
      reason: `the new version in slot ${slot} ${what} (${detail}), and ${nowhere}`,
    });
  }
  await stopBad(app, backend);
  const logPath = app.system.paths.slots[slot].log;
  return fail('rolled-back', `slot ${slot}: the new version ${what} (${detail}); traffic is back at ${end}`, {
    slot,
    to: end,
    reason: what,
    detail,
    afterMs,
    release,
    log,
    logPath,
  });
}

/** The slot that serves again; null when none can. */
async function leadBack(app: App, bad: BackendRecord, from: Slot | null): Promise<Slot | 'superseded' | null> {
  try {
    return await app.undo(async () => {
      const snapshot = await settle(app);
      const { desired, active, backends } = snapshot;
      if (desired === 'down') return 'superseded';
      // keepalive was faster.
      if (active !== bad.slot) return active;
      const there = backends[bad.slot];
      if (there !== null && there.instance !== bad.instance) return 'superseded';
      const old = from === null ? null : backends[from];
      if (old === null || !(await isReadyAtLast(app, old))) return null;
      await moveTraffic(app, snapshot, { backend: old });
      return old.slot;
    });
  } catch (error) {
    const { failure } = GracefulError.from(error);
    // Whoever holds the lock has begun something else, and traffic will be where that leads it.
    if (failure.code === 'busy') return 'superseded';
    if (failure.code === 'verify-failed') return null;
    throw error;
  }
}

/** The only way back is not given up for one lost probe. */
async function isReadyAtLast(app: App, backend: BackendRecord): Promise<boolean> {
  const { failures, intervalMs } = app.config.health;
  for (let probes = 1; probes < failures; probes += 1) {
    if (await isReady(app, backend)) return true;
    await delay(intervalMs);
  }
  return isReady(app, backend);
}

async function stopBad(app: App, bad: BackendRecord): Promise<void> {
  try {
    await stopBackend(app, bad);
  } catch (error) {
    app.emit({ type: 'warned', about: `stopping slot ${bad.slot}`, detail: GracefulError.from(error).message });
  }
}

/** Nobody watches any more: the old backend is like any other that is inactive. */
async function standDown(app: App, from: Slot | null): Promise<void> {
  if (from === null) return;
  try {
    await app.undo(async () => {
      const old = observe(app).backends[from];
      if (old !== null && old.standby !== undefined) app.system.saveRecord({ ...old, standby: null });
    });
  } catch (error) {
    app.emit({ type: 'warned', about: `slot ${from}`, detail: GracefulError.from(error).message });
  }
}

const superseded = (slot: Slot) =>
  fail('superseded', `another command moved the traffic while slot ${slot} was watched`, { by: 'another command' });
