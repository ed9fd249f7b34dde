// Backends into empty slots, and the first one of them behind the link when nothing ready is there.
import { monotonicMs } from '../core/clock.ts';
import { fail } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { slotsToStart } from '../core/plan.ts';
import type { Slot } from '../core/slot.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, msSince } from './app.ts';
import { bringUp, prepareStart } from './bring-up.ts';
import { inEmptySlot } from './empty-slot.ts';
import { assertStillWanted } from './intent.ts';
import { makeWay } from './make-way.ts';
import { moveTraffic } from './move-traffic.ts';
import { activeHealth, observe, settle } from './observe.ts';
import { deployed } from './releases.ts';
import { untilReadyAgain } from './until-ready.ts';

type Started = { readonly slot: Slot; readonly wasRunning: boolean };

/** @throws `not-serving` when, with all that was asked for running, nothing ready is active. */
export async function start(app: App, input: OperationInputs['start']): Promise<Outcomes['start']> {
  const startedAt = monotonicMs();
  await app.exclusive(() => wantUp(app));
  const slots = slotsToStart(input, observe(app).active);
  const results: Started[] = [];
  for (const slot of slots) results.push(await startSlot(app, slot, input.release));
  const active = await app.exclusive(() => linkFirst(app, slots));
  return {
    operation: 'start',
    started: results.filter((result) => !result.wasRunning).map((result) => result.slot),
    alreadyRunning: results.filter((result) => result.wasRunning).map((result) => result.slot),
    active,
    ms: msSince(startedAt),
  };
}

async function wantUp(app: App): Promise<void> {
  if (app.system.desired.read() === 'up') return;
  app.system.desired.write('up', app.operation);
  app.emit({ type: 'desired-changed', desired: 'up' });
}

async function startSlot(app: App, slot: Slot, release: string | null | undefined): Promise<Started> {
  const { desired: intent, backends } = observe(app);
  const directory = backends[slot] === null ? await deployed(app, release) : null;
  return inEmptySlot<Started>(app, {
    async choose(snapshot) {
      assertStillWanted(intent, snapshot);
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

/** Links the first ready one of `slots` when the active slot is not ready. */
async function linkFirst(app: App, slots: readonly Slot[]): Promise<Slot> {
  const snapshot = await settle(app);
  if (snapshot.active !== null && (await activeHealth(app, snapshot))?.ok) return snapshot.active;
  const findings: string[] = [];
  for (const slot of slots) {
    const backend = snapshot.backends[slot];
    if (backend === null) continue;
    const health = await app.system.probe(backend, 'socket', app.signal);
    if (health.ok) {
      await moveTraffic(app, snapshot, { backend });
      return slot;
    }
    findings.push(`slot ${slot}: ${health.detail}`);
  }
  const reason = findings.length === 0 ? 'nothing is running' : findings.join('; ');
  throw fail('not-serving', `nothing ready is serving: ${reason}`, { reason });
}

const isStillStarting = (app: App, backend: BackendRecord): boolean =>
  backend.readyAt === null && Date.now() - Date.parse(backend.startedAt) < app.config.startTimeoutMs;
