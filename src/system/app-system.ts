// One app's share of the system, as the operations see it. What an operation may never need (spawning, killing, locking)
// is loaded when it is needed: `status` and a healthy `keepalive` run every minute.
import { existsSync, statSync } from 'node:fs';
import type { Config } from '../core/config.ts';
import type { Connections, EventSink, HookName } from '../core/events.ts';
import type { HistoryEntry } from '../core/history.ts';
import type { PlannedStart } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import type { Health, LastUpdate, SupervisorStatus, WorkerStatus } from '../core/status.ts';
import type { Announcements } from './announcements.ts';
import { type BackendRecord, type RecordState, readRecord, removeRecord, writeRecord } from './backend-record.ts';
import { countConnections } from './connections.ts';
import { type DesiredFile, openDesired } from './desired.ts';
import type { HookResult } from './hooks.ts';
import { nobodyListensAt } from './knock.ts';
import type { LaunchedBackend } from './launcher.ts';
import { type Link, openLink, servingSocket } from './link.ts';
import type { Lock, LockHolder, LockRequest } from './lock.ts';
import type { ProbeTarget } from './probes/finding.ts';
import { probe } from './probes/probe.ts';
import { familyOf } from './processes/family.ts';
import { isAlive, isInContainer, type ProcessIdentity } from './processes/identity.ts';
import { type Usage, usageOfTree } from './processes/usage.ts';
import { workersOf } from './processes/workers.ts';
import { standsBy, withStandby } from './standby.ts';
import { type StatePaths, statePaths } from './state-paths.ts';
import { assertSafePlace } from './state-place.ts';
import { openVersions, type VersionsFile } from './versions.ts';

export interface AppSystem {
  readonly config: Config;
  readonly paths: StatePaths;
  readonly link: Link;
  readonly desired: DesiredFile;
  readonly versions: VersionsFile;
  /** Makes the state dir, or refuses one that cannot be trusted. */
  open(): Promise<void>;
  /** The same without making it: only what would be refused is told. */
  check(): Promise<void>;
  lock(request: LockRequest): Promise<Lock>;
  /** Who holds the lock at the moment. */
  lockHolder(): Promise<Pick<LockHolder, 'pid' | 'operation' | 'since'> | null>;
  /** Removes what a killed process left half written; only under the lock. */
  sweep(): Promise<readonly string[]>;
  /** Ends a hook whose graceful was killed; its pid, or null when there is none. Only under the lock. */
  endOrphanedHook(): Promise<number | null>;

  record(slot: Slot): RecordState;
  saveRecord(record: BackendRecord): void;
  /** Notes that this process may go back to the backend for so long. */
  standBy(record: BackendRecord, ms: number): void;
  /** Whether somebody may go back to it, and lives. */
  standsBy(record: BackendRecord): boolean;
  /** What a backend whose own process has gone left running. */
  leftBehind(record: BackendRecord): readonly ProcessIdentity[];
  /** Whether the kernel says that nobody listens at the slot's socket. */
  nobodyListens(slot: Slot): Promise<boolean>;
  /** Forgets a backend that has certainly exited. */
  forget(slot: Slot): void;
  /** Finds out, before anything is stopped for it, whether the slot's backend can be started. */
  preflight(slot: Slot, directory: string | null): Promise<void>;
  /** How the slot's backend would be started now, compared with one that runs. */
  planStart(slot: Slot, running: BackendRecord | null, directory: string | null): Promise<PlannedStart>;
  /** Loads what `launch` will need, while something else is waited for. */
  loadLauncher(): void;
  /** In `directory`, or with null in the configured `cwd` as it resolves now. */
  launch(slot: Slot, directory: string | null): Promise<LaunchedBackend>;
  /** Which release a directory holds now; null when there is no such directory. */
  releaseAt(directory: string): Promise<{ readonly release: string | null } | null>;
  /** Listens to what the backend says of itself, until that is disposed of. */
  listenTo(record: BackendRecord): Promise<Announcements>;
  terminate(
    record: BackendRecord,
    onSignal: (pid: number, signal: NodeJS.Signals) => void,
  ): Promise<{ killed: boolean }>;
  logTail(slot: Slot, from: number): Promise<readonly string[]>;
  /** Appends to the history. */
  remember(entry: HistoryEntry): Promise<void>;
  /** Null where its newest entries do not say. */
  lastUpdate(): Promise<LastUpdate | null>;

  /** The directory to start from, see releases/choose.ts. */
  chooseRelease(wanted: string | null, emit: EventSink, signal: AbortSignal): Promise<string | null>;
  removeOldReleases(spared: readonly string[], emit: EventSink): Promise<void>;
  isDirectory(path: string): Promise<boolean>;

  /** Makes way for a bind(2) on the slot's socket; true when a stale socket was removed. */
  clearSocket(slot: Slot): Promise<boolean>;
  /** Whether somebody else listens there, which `clearSocket` would refuse. */
  checkSocket(slot: Slot): Promise<void>;
  socketExists(slot: Slot): Promise<boolean>;
  /** `isNew`: of a backend that has just been started. */
  applySocketRights(slot: Slot, isNew: boolean): Promise<void>;
  listeningAddresses(record: BackendRecord): Promise<readonly string[]>;
  connections(record: BackendRecord): Promise<Connections | null>;
  /** Whether clients may be connected from where our tables do not reach. */
  isInContainer(): boolean;
  usage(record: BackendRecord): Usage | null;
  /** Of a slot with several; else none. */
  workers(record: BackendRecord): readonly WorkerStatus[];
  /** The supervisor that serves this app, null when none runs. */
  supervisor(): Promise<SupervisorStatus | null>;
  /** One request of the warm-up, the `nth` from 0: whether it was answered, however. */
  warmupRequest(record: BackendRecord, nth: number, signal: AbortSignal): Promise<Health>;
  probe(record: BackendRecord, via: 'socket' | 'link', signal?: AbortSignal): Promise<Health>;
  hook(
    hook: HookName,
    slot: Slot,
    extra: Readonly<Record<string, string>>,
    signal?: AbortSignal,
    directory?: string | null,
  ): Promise<HookResult>;
}

/** What a host adds to an app's system. */
export interface HostHooks {
  /** Told of each backend that was started, before it is ready. */
  onLaunch?(launched: LaunchedBackend): void;
}

/** @throws `state-dir` when others may plant files in the state dir. */
export function openAppSystem(config: Config, host: HostHooks = {}): AppSystem {
  const paths = statePaths(config.stateDir, config.name);
  const targetOf = ({ slot, pid, instance, readyAt }: BackendRecord): ProbeTarget => {
    const { socket, said } = paths.slots[slot];
    const wasReady = readyAt !== null;
    return { slot, pid, instance, wasReady, socketPath: socket, realSocketPath: socket, saidPath: said };
  };
  const listenTo = async ({ slot, instance }: BackendRecord): Promise<Announcements> =>
    (await import('./announcements.ts')).listenTo(config, paths.slots[slot], instance);
  assertSafePlace(paths.dir);
  return {
    config,
    paths,
    link: openLink(paths),
    desired: openDesired(paths.desired),
    versions: openVersions(paths.versions),
    open: async () => (await import('./state-dir.ts')).openStateDir(config, paths),
    check: async () => (await import('./state-dir.ts')).checkStateDir(paths),
    lockHolder: async () => {
      const holder = await (await import('./lock.ts')).readLockHolder(paths);
      return holder === null ? null : { pid: holder.pid, operation: holder.operation, since: holder.since };
    },
    lock: async (request) => (await import('./lock.ts')).acquireLock(paths, request),
    sweep: async () => (await import('./state-dir.ts')).sweepTempFiles(paths, config.name),

    endOrphanedHook: async () => (existsSync(paths.hook) ? (await import('./hooks.ts')).endOrphanedHook(paths) : null),

    record: (slot) => readRecord(paths.slots[slot], slot, paths.dir),
    saveRecord: (record) => writeRecord(paths.slots[record.slot], record),
    standBy: (record, ms) => writeRecord(paths.slots[record.slot], withStandby(record, ms)),
    standsBy,
    forget: (slot) => removeRecord(paths.slots[slot]),
    leftBehind: (record) => familyOf(record, paths.slots[record.slot].socket),
    nobodyListens: (slot) => nobodyListensAt(paths.slots[slot].socket),
    preflight: async (slot, directory) => (await import('./launch-plan.ts')).preflight(config, paths, slot, directory),
    planStart: async (slot, running, directory) =>
      (await import('./planned-start.ts')).plannedStart(config, paths, slot, running, directory),
    loadLauncher() {
      import('./launcher.ts').catch(() => undefined); // whoever needs it gets the error
    },
    async launch(slot, directory) {
      const launched = await (await import('./launcher.ts')).launch(config, paths, slot, directory);
      host.onLaunch?.(launched);
      return launched;
    },
    releaseAt: async (directory) => (await import('./release.ts')).releaseAt(config.cwd, directory),
    listenTo,
    async terminate(record, onSignal) {
      // It is stopped, whether or not it can be heard.
      using heard = await listenTo(record).catch(() => null);
      return await (await import('./processes/terminate.ts')).terminate(record, {
        signal: config.stopSignal,
        timeoutMs: config.stopTimeoutMs,
        socketPath: paths.slots[record.slot].socket,
        onSignal,
        extendedUntil: () => heard?.extendedUntil() ?? 0,
      });
    },
    logTail: async (slot, from) => (await import('./log-file.ts')).tailLog(paths.slots[slot].log, from),
    chooseRelease: async (wanted, emit, signal) =>
      (await import('./releases/choose.ts')).chooseRelease(config, paths, wanted, emit, signal),
    async removeOldReleases(spared, emit) {
      const { release } = config;
      if (release !== null)
        await (await import('./releases/worktrees.ts')).removeOldReleases({ ...config, release }, paths, spared, emit);
    },
    isDirectory: async (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
    remember: async (entry) => (await import('./history.ts')).appendHistory(paths, entry),
    lastUpdate: async () =>
      existsSync(paths.history) ? (await import('./last-update.ts')).readLastUpdate(paths.history) : null,

    clearSocket: async (slot) => (await import('./socket-file.ts')).clearSocketFile(slot, paths.slots[slot].socket),
    checkSocket: async (slot) => {
      await (await import('./socket-file.ts')).isStaleSocket(slot, paths.slots[slot].socket);
    },
    socketExists: async (slot) => (await import('./socket-file.ts')).socketExists(paths.slots[slot].socket),
    applySocketRights: async (slot, isNew) =>
      (await import('./socket-rights.ts')).applySocketRights(
        paths.slots[slot].socket,
        config,
        isNew ? servingSocket(paths) : null,
      ),
    listeningAddresses: async (record) => (await import('./listeners.ts')).listeningAddresses(record.pid),
    isInContainer,
    connections(record) {
      const { socket } = paths.slots[record.slot];
      // The table of a dead leader cannot be read: that of what it left behind can.
      const pid = isAlive(record) ? record.pid : (familyOf(record, socket)[0]?.pid ?? record.pid);
      return countConnections(pid, socket);
    },
    usage: (record) => usageOfTree(record.pid),
    workers: (record) => (config.workers > 1 ? workersOf(record.pid) : []),
    supervisor: async () =>
      existsSync(paths.control) ? (await import('./ask-supervisor.ts')).askSupervisor(paths.control) : null,
    warmupRequest: async (record, nth, signal) =>
      (await import('./probes/warmup.ts')).warmupRequest(config, targetOf(record), nth, signal),
    probe(record, via, signal) {
      const target = targetOf(record);
      return probe(config, via === 'link' ? { ...target, socketPath: paths.link } : target, signal);
    },
    hook: async (hook, slot, extra, signal, directory) =>
      (await import('./hooks.ts')).runHook(config, paths, hook, slot, extra, signal, directory),
  };
}
