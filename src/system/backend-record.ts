// Who runs in a slot: the plain pid file that every tool expects, and beside it the record that makes the pid certain.
import { readFileSync, statSync } from 'node:fs';
import type { Slot } from '../core/slot.ts';
import { readIfPresent, removeFile, writeAtomically } from './atomic-file.ts';
import { canBe } from './processes/family.ts';
import { bootId, liveness, type ProcessIdentity, pidNamespace } from './processes/identity.ts';
import { isStandby, type Standby } from './standby.ts';
import type { SlotPaths } from './state-paths.ts';
import {
  type Fields,
  isIdentity,
  isObject,
  isPath,
  isPid,
  isText,
  isTextOrNull,
  isTime,
  parseObject,
} from './stored-values.ts';

/** Facts about a backend that we started, as they are on disk. */
export interface BackendRecord extends ProcessIdentity {
  readonly slot: Slot;
  /** Pids mean nothing outside of it: a container's backend cannot be judged from another one, nor from the host. */
  readonly pidNamespace: string;
  /** In the environment of the backend and all its descendants, as GRACEFUL_INSTANCE. */
  readonly instance: string;
  /** ISO 8601. */
  readonly startedAt: string;
  /** When it first passed the gate. */
  readonly readyAt: string | null;
  /** When the stop signal was sent. */
  readonly stoppingAt: string | null;
  /** argv that it was started with, placeholders replaced. */
  readonly command?: readonly string[];
  readonly cwd: string;
  readonly release: string | null;
  /** Set while it is inactive and somebody may go back to it. */
  readonly standby?: Standby | null;
  /** The state dir that it was started for: a copy of the directory does not own the processes of the original. */
  readonly stateDir: DirectoryIdentity;
}

export interface DirectoryIdentity {
  readonly path: string;
  readonly device: number;
  readonly inode: number;
}

export type RecordState =
  | { readonly kind: 'none' }
  | { readonly kind: 'alive'; readonly record: BackendRecord }
  /** Its process has gone. */
  | { readonly kind: 'dead'; readonly record: BackendRecord; readonly reason: string }
  /** There is a process, and whether it is ours cannot be seen. */
  | { readonly kind: 'unverifiable'; readonly record: BackendRecord; readonly reason: string }
  /** Not a record, or not ours: nothing may be signalled on its word. */
  | { readonly kind: 'invalid'; readonly reason: string };

export function readRecord(paths: SlotPaths, slot: Slot, stateDir: string): RecordState {
  const text = readIfPresent(paths.backend);
  if (text === null) return explainBarePid(readIfPresent(paths.pid));
  const record = parseRecord(text, slot);
  if (record === null) return { kind: 'invalid', reason: `${paths.backend} is not a backend record` };
  if (!isSameDirectory(record.stateDir, identifyDirectory(stateDir)))
    return {
      kind: 'invalid',
      reason: `${paths.backend} was copied from ${record.stateDir.path}, whose backend it names`,
    };
  if (record.bootId === bootId() && record.pidNamespace !== pidNamespace())
    return {
      kind: 'unverifiable',
      record,
      reason: `process ${record.pid} belongs to another pid namespace (a container)`,
    };
  switch (liveness(record)) {
    case 'alive':
      return canBe(record)
        ? { kind: 'alive', record }
        : { kind: 'invalid', reason: `process ${record.pid} cannot be our backend: graceful did not start it` };
    case 'unverifiable':
      return {
        kind: 'unverifiable',
        record,
        reason: `whether process ${record.pid} is our backend cannot be seen (is /proc mounted with hidepid?)`,
      };
    case 'dead':
      return { kind: 'dead', record, reason: `process ${record.pid} has gone` };
  }
}

export function writeRecord(paths: SlotPaths, record: BackendRecord): void {
  writeAtomically(paths.backend, `${JSON.stringify(record)}\n`, { mode: 0o640 });
}

export function writePid(paths: SlotPaths, pid: number): void {
  writeAtomically(paths.pid, `${pid}\n`, { mode: 0o644 });
}

export function removeRecord(paths: SlotPaths): void {
  // The pid file first: a pid without a record is never believed, a record without a pid file still is.
  removeFile(paths.pid);
  removeFile(paths.backend);
  removeFile(paths.said);
  removeFile(paths.notify);
}

export function identifyDirectory(path: string): DirectoryIdentity {
  const { dev, ino } = statSync(path);
  return { path, device: dev, inode: ino };
}

/** Moved (same inode) or restored in place (same path) is the same directory; a copy is neither. */
const isSameDirectory = (a: DirectoryIdentity, b: DirectoryIdentity): boolean =>
  a.path === b.path || (a.device === b.device && a.inode === b.inode);

function explainBarePid(text: string | null): RecordState {
  if (text === null) return { kind: 'none' };
  const pid = text.trim();
  return {
    kind: 'invalid',
    reason: /^\d+$/.test(pid)
      ? `nothing proves that process ${pid} is our backend`
      : `the pid file holds ${JSON.stringify(pid.slice(0, 40))}`,
  };
}

/** Null unless it is certain whom it names. The rest costs no backend: what is wrong there counts as not known. */
function parseRecord(text: string, slot: Slot): BackendRecord | null {
  const found = parseObject(text);
  if (found === null || !isWhole(found) || found['slot'] !== slot) return null;
  const { startedAt, readyAt, stoppingAt, command, cwd, release, standby } = found;
  return {
    ...(found as unknown as BackendRecord),
    startedAt: isTime(startedAt) ? startedAt : startOf(found['startTicks'] as string),
    readyAt: isTime(readyAt) ? readyAt : null,
    stoppingAt: isTime(stoppingAt) ? stoppingAt : null,
    command: Array.isArray(command) && command.every(isText) ? command : [],
    cwd: isPath(cwd) ? cwd : '',
    release: isTextOrNull(release) ? release : null,
    standby: isStandby(standby) ? standby : null,
  };
}

function isWhole(found: Fields): boolean {
  const { pid, instance, pidNamespace, stateDir } = found;
  return (
    isIdentity(found) &&
    isPid(pid) &&
    isText(instance) &&
    isText(pidNamespace) &&
    isObject(stateDir) &&
    isPath(stateDir['path']) &&
    typeof stateDir['inode'] === 'number' &&
    typeof stateDir['device'] === 'number'
  );
}

// What proc_pid_stat(5) counts in, sysconf(_SC_CLK_TCK), is a hundredth of a second on every Linux that Node runs on.
const TICK_MS = 10;

/** As the kernel knows it; right now for what cannot be. */
function startOf(startTicks: string): string {
  const bootedAt = Number(/^btime (\d+)$/m.exec(readFileSync('/proc/stat', 'utf8'))?.[1]) * 1000;
  const at = new Date(bootedAt + Number(startTicks) * TICK_MS);
  return (Number.isNaN(at.getTime()) ? new Date() : at).toISOString();
}
