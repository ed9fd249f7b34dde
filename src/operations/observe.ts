// What is there now: read from the system at every call, never remembered.
import { type PerSlot, perSlot, type Slot } from '../core/slot.ts';
import type { Desired, Health } from '../core/status.ts';
import type { BackendRecord, RecordState } from '../system/backend-record.ts';
import type { LinkState } from '../system/link.ts';
import type { App } from './app.ts';

export interface Snapshot {
  readonly desired: Desired;
  readonly link: LinkState;
  /** The slot that the link leads to, whether or not anything runs there. */
  readonly active: Slot | null;
  /** Running backends that are certainly ours. */
  readonly backends: PerSlot<BackendRecord | null>;
}

export function observe({ system }: App): Snapshot {
  const link = system.link.read();
  return {
    desired: system.desired.read(),
    link,
    active: link.slot,
    backends: perSlot((slot) => running(system.record(slot))),
  };
}

/** Like {@link observe}, under the lock: says and clears what dead processes left behind first. */
export async function settle(app: App): Promise<Snapshot> {
  for (const path of await app.system.sweep())
    app.emit({ type: 'stale-removed', path, reason: 'left half written by a killed process' });
  await settleSlot(app, 'a');
  await settleSlot(app, 'b');
  return observe(app);
}

/** Whether the slot has a backend that passes its health check now. */
export async function isReady(app: App, backend: BackendRecord | null): Promise<boolean> {
  return backend !== null && (await app.system.probe(backend, 'socket', app.signal)).ok;
}

/** The health of the active slot's backend, null when none runs there. */
export async function activeHealth(app: App, { active, backends }: Snapshot): Promise<Health | null> {
  const backend = active === null ? null : backends[active];
  return backend === null ? null : app.system.probe(backend, 'socket', app.signal);
}

async function settleSlot(app: App, slot: Slot): Promise<void> {
  const state = app.system.record(slot);
  const paths = app.system.paths.slots[slot];
  if (state.kind === 'dead') {
    app.emit({ type: 'backend-found-dead', slot, pid: state.record.pid, reason: state.reason });
    // What it left running would hold the socket against its successor.
    await app.system.terminate(state.record, (pid, signal) =>
      app.emit({ type: 'backend-signalled', slot, pid, signal }),
    );
    app.system.forget(slot);
  }
  if (state.kind === 'unverifiable') app.emit({ type: 'warned', about: `slot ${slot}`, detail: state.reason });
  if (state.kind === 'invalid') {
    app.emit({ type: 'stale-removed', path: paths.backend, reason: state.reason });
    app.system.forget(slot);
  }
}

const running = (state: RecordState): BackendRecord | null => (state.kind === 'alive' ? state.record : null);
