// Backends into empty slots, and the first one of them behind the link when nothing ready is there.
import { monotonicMs } from '../core/clock.ts';
import { fail, GracefulError } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { slotsToStart } from '../core/plan.ts';
import { otherSlot, SLOTS, type Slot } from '../core/slot.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, assertNotAborted, msSince } from './app.ts';
import { bringUp, prepareStart } from './bring-up.ts';
import { inEmptySlot } from './empty-slot.ts';
import { assertStillWanted } from './intent.ts';
import { leadAway } from './lead-away.ts';
import { makeWay } from './make-way.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, observe, settle } from './observe.ts';
import { deployed } from './releases.ts';
import { withStrangers } from './strangers.ts';
import { untilReadyAgain } from './until-ready.ts';

type Started = { readonly slot: Slot; readonly wasRunning: boolean };

/** @throws `not-serving` when, with all that was asked for running, nothing ready is active. */
export async function start(app: App, input: OperationInputs['start']): Promise<Outcomes['start']> {
  const startedAt = monotonicMs();
  const { slots, wasDown } = await app.exclusive(() => begin(app, input));
  try {
    const results: Started[] = [];
    let serves: Served = { active: null, reason: 'nothing is running' };
    for (const slot of slots) {
      results.push(...(await startSlot(app, slot, input.release)));
      serves = await app.exclusive(() => linkFirst(app, slots));
    }
    const { active, reason } = serves;
    if (active === null) throw fail('not-serving', `nothing ready is serving: ${reason}`, { reason });
    const started = results.filter(({ wasRunning }) => !wasRunning).map(({ slot }) => slot);
    return {
      operation: 'start',
      started,
      alreadyRunning: results.map(({ slot }) => slot).filter((slot) => !started.includes(slot)),
      active,
      ms: msSince(startedAt),
    };
  } catch (error) {
    if (wasDown && error instanceof GracefulError && error.failure.code === 'aborted') await wantDownAgain(app);
    throw error;
  }
}

/** What is to be started, and whether the app was to be down until now. */
async function begin(app: App, input: OperationInputs['start']) {
  const now = observe(app);
  const slots = slotsToStart(input, await withStrangers(app, now));
  const wasDown = now.desired === 'down';
  if (wasDown) {
    app.system.desired.write('up', app.operation);
    app.emit({ type: 'desired-changed', desired: 'up' });
  }
  return { slots, wasDown };
}

/**
 * The operator changed his mind before anything ran: else keepalive would start within a minute what has just been undone.
 * A signal is no such wish, the machine may be going down: the next boot starts the app.
 */
async function wantDownAgain(app: App): Promise<void> {
  if (String(app.signal.reason).startsWith('SIG')) return;
  await app.undo(async () => {
    const { link, occupants } = observe(app);
    if (link.target !== null || occupants.a !== null || occupants.b !== null) return;
    app.system.desired.write('down', app.operation);
    app.emit({ type: 'desired-changed', desired: 'down' });
  });
}

async function startSlot(app: App, slot: Slot, release: string | null | undefined): Promise<readonly Started[]> {
  const directory = () => deployed(app, release);
  const started: Started[] = [];
  for (;;) {
    const { active, backends } = observe(app);
    // Dead: whoever is ready takes the traffic at once, and what is left of it is not drained with the link on it.
    if (active === slot && backends[slot] === null && (await leadAway(app, slot, { intent: 'up', directory })))
      started.push({ slot: otherSlot(slot), wasRunning: false });
    const own = await startIn(app, slot, backends[slot] === null ? await directory() : null);
    if (own !== 'serves half dead') return [...started, own];
  }
}

function startIn(app: App, slot: Slot, directory: string | null): Promise<Started | 'serves half dead'> {
  return inEmptySlot<Started | 'serves half dead'>(app, {
    async choose(snapshot) {
      assertStillWanted('up', snapshot);
      const running = snapshot.backends[slot];
      if (running !== null) {
        await greet(app, running);
        return { done: { slot, wasRunning: true } };
      }
      // Its leader has died while this waited for the lock.
      const isServing = snapshot.active === slot && snapshot.occupants[slot] !== null;
      return isServing ? { done: 'serves half dead' } : { slot };
    },
    prepare: () => prepareStart(app, slot, directory),
    async work(_slot, snapshot) {
      using way = await makeWay(app, snapshot, slot);
      await using fresh = await bringUp(app, slot, directory);
      if (way.isActive) await moveTraffic(app, snapshot, fresh);
      else fresh.keep();
      return { slot, wasRunning: false };
    },
  });
}

async function greet(app: App, running: BackendRecord): Promise<void> {
  const health = await app.system.probe(running, 'socket', app.signal);
  assertNotAborted(app);
  app.emit({ type: 'already-running', slot: running.slot, pid: running.pid, ready: health.ok, detail: health.detail });
  // Whoever waited for it may have been killed.
  if (!health.ok && isStillStarting(app, running)) await untilReadyAgain(app, running);
}

type Served = { readonly active: Slot | null; readonly reason: string };

/** Links the first ready one when the active slot is not ready: those of `slots` before the others. */
async function linkFirst(app: App, slots: readonly Slot[]): Promise<Served> {
  const snapshot = await settle(app);
  assertStillWanted('up', snapshot);
  if (snapshot.active !== null && (await activeHealth(app, snapshot))?.ok)
    return { active: snapshot.active, reason: '' };
  const findings: string[] = [];
  for (const slot of new Set([...slots, ...SLOTS])) {
    const backend = snapshot.backends[slot];
    if (backend === null || backend.stoppingAt !== null) continue;
    const health = await app.system.probe(backend, 'socket', app.signal);
    assertNotAborted(app);
    if (health.ok) {
      await moveTraffic(app, snapshot, { backend });
      return { active: slot, reason: '' };
    }
    findings.push(`slot ${slot}: ${health.detail}`);
  }
  return { active: null, reason: findings.length === 0 ? 'nothing is running' : findings.join('; ') };
}

const isStillStarting = (app: App, backend: BackendRecord): boolean =>
  backend.readyAt === null && Date.now() - Date.parse(backend.startedAt) < app.config.startTimeoutMs;
