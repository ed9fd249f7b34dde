// What is there now: read from the system at every call, never remembered.
import { GracefulError } from '../core/failure.ts';
import { type PerSlot, perSlot, type Slot } from '../core/slot.ts';
import type { Desired, Health } from '../core/status.ts';
import type { AppSystem } from '../system/app-system.ts';
import type { BackendRecord, RecordState } from '../system/backend-record.ts';
import type { LinkState } from '../system/link.ts';
import type { App } from './app.ts';
import { takeDown } from './take-down.ts';
import { noteEnd } from './versions.ts';

export interface Snapshot {
  readonly desired: Desired;
  readonly link: LinkState;
  /** The slot that the link leads to, whether or not anything runs there. */
  readonly active: Slot | null;
  /** Running backends that are certainly ours. */
  readonly backends: PerSlot<BackendRecord | null>;
  /**
   * What has to be drained and stopped before a slot is empty: its backend, or processes that a dead one left behind and
   * that may still be serving (the workers of a killed master).
   */
  readonly occupants: PerSlot<BackendRecord | null>;
}

export function observe({ system }: App): Snapshot {
  const link = system.link.read();
  const states = perSlot((slot) => system.record(slot));
  return {
    desired: system.desired.read(),
    link,
    active: link.slot,
    backends: perSlot((slot) => running(states[slot])),
    occupants: perSlot((slot) => occupant(system, states[slot])),
  };
}

/** Like {@link observe}, under the lock: says and clears what dead processes left behind first. */
export async function settle(app: App): Promise<Snapshot> {
  for (const path of await app.system.sweep())
    app.emit({ type: 'stale-removed', path, reason: 'left half written by a killed process' });
  const hook = await app.system.endOrphanedHook();
  if (hook !== null)
    app.emit({ type: 'warned', about: 'hook', detail: `pid ${hook} had outlived its operation and was ended` });
  await settleSlot(app, 'a');
  await settleSlot(app, 'b');
  return observe(app);
}

/** Whether the slot has a backend that passes its health check now, and has not been told to stop. */
export async function isReady(app: App, backend: BackendRecord | null): Promise<boolean> {
  return backend !== null && backend.stoppingAt === null && (await app.system.probe(backend, 'socket', app.signal)).ok;
}

/** The health of the active slot's backend, null when none runs there. */
export async function activeHealth(app: App, { active, backends }: Snapshot): Promise<Health | null> {
  const backend = active === null ? null : backends[active];
  return backend === null ? null : app.system.probe(backend, 'socket', app.signal);
}

async function settleSlot(app: App, slot: Slot): Promise<void> {
  const { system, emit } = app;
  const state = system.record(slot);
  switch (state.kind) {
    case 'none':
      return;
    case 'alive':
      // Whoever began to stop it was killed: it is finished, since it may exit at any moment.
      if (state.record.stoppingAt !== null && system.link.read().slot !== slot) await finishStop(app, state.record);
      return;
    case 'dead': {
      const left = system.leftBehind(state.record).length;
      const reason = left === 0 ? state.reason : `${state.reason}, ${left} of its processes go on`;
      emit({ type: 'backend-found-dead', slot, pid: state.record.pid, reason });
      // What it left may be serving: whoever needs the slot drains it first.
      if (left === 0) forget(app, state.record);
      return;
    }
    case 'unverifiable':
      // The kernel knows: where nobody listens, nothing of it is left.
      if (await system.nobodyListens(slot)) forget(app, state.record);
      else emit({ type: 'warned', about: `slot ${slot}`, detail: state.reason });
      return;
    case 'invalid':
      emit({ type: 'stale-removed', path: system.paths.slots[slot].backend, reason: state.reason });
      system.forget(slot);
  }
}

/** What cannot be ended (uninterruptible, another user's) is in the way of its slot only: whoever needs that fails by itself. */
async function finishStop(app: App, record: BackendRecord): Promise<void> {
  try {
    await takeDown(app, record);
  } catch (error) {
    const { failure } = GracefulError.from(error);
    if (failure.code !== 'stop-failed') throw error;
    app.emit({ type: 'warned', about: `slot ${record.slot}`, detail: failure.message });
  }
}

/** One that nobody stopped. */
function forget(app: App, record: BackendRecord): void {
  app.system.forget(record.slot);
  noteEnd(app, record, null);
}

function occupant(system: AppSystem, state: RecordState): BackendRecord | null {
  if (state.kind === 'alive') return state.record;
  return state.kind === 'dead' && system.leftBehind(state.record).length > 0 ? state.record : null;
}

const running = (state: RecordState): BackendRecord | null => (state.kind === 'alive' ? state.record : null);
