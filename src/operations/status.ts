// The state of an app from the system as it is now. Takes no lock, writes nothing, and waits for nothing but the probes.

import { SLOTS, type Slot } from '../core/slot.ts';
import type { BackendState, SlotStatus, StatusReport } from '../core/status.ts';
import type { AppSystem } from '../system/app-system.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import type { Usage } from '../system/processes/usage.ts';

/** Both slots are looked at side by side; a hung backend costs `health.timeout` at most. */
export async function status(system: AppSystem): Promise<StatusReport> {
  const { config, paths } = system;
  const link = system.link.read();
  const [supervisor, lastUpdate, slots] = await Promise.all([
    system.supervisor(),
    system.lastUpdate(),
    Promise.all(SLOTS.map((slot) => slotStatus(system, slot))),
  ]);
  return {
    name: config.name,
    stateDir: config.stateDir,
    config: config.file,
    desired: system.desired.read(),
    active: link.slot,
    link: { path: paths.link, target: link.target },
    supervisor,
    lastUpdate,
    slots: slots.map((slot) => ({ ...slot, active: slot.name === link.slot })),
  };
}

/** 0 when a ready backend is active, else 3 (nothing ready is serving). */
export const isServing = (report: StatusReport): boolean =>
  report.slots.some((slot) => slot.active && slot.state === 'ready');

async function slotStatus(system: AppSystem, slot: Slot): Promise<SlotStatus> {
  const { socket } = system.paths.slots[slot];
  const found = system.record(slot);
  if (found.kind !== 'alive') return { ...STOPPED, name: slot, socket };
  const { record } = found;
  // Counted before it is probed: the probe is a connection too.
  const connections = await system.connections(record);
  const health = await system.probe(record, 'socket');
  const usage: Usage | null = system.usage(record);
  return {
    name: slot,
    state: stateOf(system, record, health.ok),
    active: false,
    pid: record.pid,
    startedAt: record.startedAt,
    uptimeMs: Math.max(0, Date.now() - Date.parse(record.startedAt)),
    connections,
    rssBytes: usage?.rssBytes ?? null,
    cpuMs: usage?.cpuMs ?? null,
    socket,
    cwd: record.cwd,
    release: record.release,
    health,
    workers: system.workers(record),
  };
}

function stateOf(system: AppSystem, record: BackendRecord, healthy: boolean): BackendState {
  if (record.stoppingAt !== null) return 'stopping';
  if (healthy) return 'ready';
  const ageMs = Date.now() - Date.parse(record.startedAt);
  return record.readyAt === null && ageMs < system.config.startTimeoutMs ? 'starting' : 'unready';
}

const STOPPED = {
  state: 'stopped',
  active: false,
  pid: null,
  startedAt: null,
  uptimeMs: null,
  connections: null,
  rssBytes: null,
  cpuMs: null,
  cwd: null,
  release: null,
  health: null,
  workers: [],
} as const;
