// Backends into empty slots, and the first one of them behind the link when nothing ready is there.
import { monotonicMs } from '../core/clock.ts';
import { fail, GracefulError } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { slotsToStart } from '../core/plan.ts';
import type { Slot } from '../core/slot.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, msSince } from './app.ts';
import { bringUp, prepareStart } from './bring-up.ts';
import { inEmptySlot } from './empty-slot.ts';
import { assertStillWanted } from './intent.ts';
import { leadAway } from './lead-away.ts';
import { makeWay } from './make-way.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, observe, settle } from './observe.ts';
import { deployed } from './releases.ts';
import { strangersIn } from './strangers.ts';
import { untilReadyAgain } from './until-ready.ts';

type Started = { readonly slot: Slot; readonly wasRunning: boolean };

/** @throws `not-serving` when, with all that was asked for running, nothing ready is active. */
export async function start(app: App, input: OperationInputs['start']): Promise<Outcomes['start']> {
  const startedAt = monotonicMs();
  const wasDown = await app.exclusive(() => wantUp(app));
  try {
    const now = observe(app);
    const slots = slotsToStart(input, { ...now, strangers: await strangersIn(app, now) });
    const results: Started[] = [];
    let serves: Served = { active: null, reason: 'nothing is running' };
    for (const slot of slots) {
      results.push(await startSlot(app, slot, input.release));
      serves = await app.exclusive(() => linkFirst(app, slots));
    }
    const { active, reason } = serves;
    if (active === null) throw fail('not-serving', `nothing ready is serving: ${reason}`, { reason });
    return {
      operation: 'start',
      started: results.filter((result) => !result.wasRunning).map((result) => result.slot),
      alreadyRunning: results.filter((result) => result.wasRunning).map((result) => result.slot),
      active,
      ms: msSince(startedAt),
    };
  } catch (error) {
    if (wasDown && error instanceof GracefulError && error.failure.code === 'aborted') await wantDownAgain(app);
    throw error;
  }
}

/** Whether it was to be down. */
async function wantUp(app: App): Promise<boolean> {
  if (app.system.desired.read() === 'up') return false;
  app.system.desired.write('up', app.operation);
  app.emit({ type: 'desired-changed', desired: 'up' });
  return true;
}

/** Ctrl-C before anything served: else keepalive would start within a minute what has just been undone. */
async function wantDownAgain(app: App): Promise<void> {
  await app.undo(async () => {
    if (observe(app).link.target !== null) return;
    app.system.desired.write('down', app.operation);
    app.emit({ type: 'desired-changed', desired: 'down' });
  });
}

async function startSlot(app: App, slot: Slot, release: string | null | undefined): Promise<Started> {
  const { active, backends } = observe(app);
  // Dead: whoever is ready takes the traffic at once, and what is left of it is not drained with the link on it.
  if (active === slot && backends[slot] === null) await leadAway(app, slot, 'up');
  const directory = backends[slot] === null ? await deployed(app, release) : null;
  return inEmptySlot<Started>(app, {
    async choose(snapshot) {
      assertStillWanted('up', snapshot);
      const running = snapshot.backends[slot];
      if (running === null) return { slot };
      await greet(app, running);
      return { done: { slot, wasRunning: true } };
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
  app.emit({ type: 'already-running', slot: running.slot, pid: running.pid, ready: health.ok, detail: health.detail });
  // Whoever waited for it may have been killed.
  if (!health.ok && isStillStarting(app, running)) await untilReadyAgain(app, running);
}

type Served = { readonly active: Slot | null; readonly reason: string };

/** Links the first ready one of `slots` when the active slot is not ready. */
async function linkFirst(app: App, slots: readonly Slot[]): Promise<Served> {
  const snapshot = await settle(app);
  assertStillWanted('up', snapshot);
  if (snapshot.active !== null && (await activeHealth(app, snapshot))?.ok)
    return { active: snapshot.active, reason: '' };
  const findings: string[] = [];
  for (const slot of slots) {
    const backend = snapshot.backends[slot];
    if (backend === null) continue;
    const health = await app.system.probe(backend, 'socket', app.signal);
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
