// One operation at a time. The lock is proper-lockfile's; who holds it stands beside it, so that a dead holder's lock is
// taken over at once instead of after a timeout. Whoever takes, or takes over, does so inside the gate, which the kernel
// frees with its holder: two processes can never both find the same holder dead (node-proper-lockfile#121).

import fs from 'node:fs';
import { rmdir, stat } from 'node:fs/promises';
import lockfile from 'proper-lockfile';
import { monotonicMs } from '../core/clock.ts';
import type { EventSink } from '../core/events.ts';
import { fail } from '../core/failure.ts';
import { isErrno, readIfPresent, removeFile, writeAtomically } from './atomic-file.ts';
import { delay } from './delay.ts';
import { enterGate, gateName } from './gate.ts';
import { bootId, identify, liveness, type ProcessIdentity, pidNamespace } from './processes/identity.ts';
import type { StatePaths } from './state-paths.ts';
import { isIdentity, isText, parseObject } from './stored-values.ts';

/** Who holds the lock, as it is on disk. */
export interface LockHolder extends ProcessIdentity {
  readonly operation: string;
  readonly since: string;
  readonly pidNamespace: string;
}

export interface LockRequest {
  readonly operation: string;
  /** How long to wait for another operation; 0 tries once. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
  readonly emit: EventSink;
  /** Called when somebody removes the lock while we hold it. */
  readonly onLost: (reason: Error) => void;
}

export type Lock = AsyncDisposable;

// A live holder touches the lock every two seconds; only one in another pid namespace, whose life we cannot see, is
// judged by that.
const TOUCH_MS = 2_000;
const UNSEEN_HOLDER_STALE_MS = 15_000;
// proper-lockfile's own, racy takeover never happens: ten years.
const NEVER_STALE_MS = 10 * 365 * 24 * 3_600_000;
// proper-lockfile makes its directory with whatever the umask allows.
const PRIVATE = {
  ...fs,
  mkdir: (path: string, made: fs.NoParamCallback) => fs.mkdir(path, 0o750, made),
};
const POLL_MS = 10;
const GATE_PATIENCE_MS = 1_000;
const SQUATTED_AFTER_MS = 5_000;

/** The locks that this process holds right now. */
const held = new Map<string, symbol>();

/** @throws `busy` when another operation still holds the lock after `waitMs`. */
export async function acquireLock(paths: StatePaths, request: LockRequest): Promise<Lock> {
  const startedAt = monotonicMs();
  let closedSince: number | null = null;
  for (let attempt = 0; ; attempt += 1) {
    const lock = await tryLock(paths, request);
    if (lock !== null) return lock;

    const waitedMs = Math.round(monotonicMs() - startedAt);
    if (request.signal.aborted)
      throw fail('aborted', 'aborted while waiting for the lock; nothing was changed', {
        by: String(request.signal.reason),
      });
    // Nobody holds the lock, and yet the gate is shut: for a moment that is somebody who takes it, for long it is a squatter.
    const held = await isHeld(paths);
    closedSince = held ? null : (closedSince ?? monotonicMs());
    if (closedSince !== null && monotonicMs() - closedSince > SQUATTED_AFTER_MS) throw gateShut(paths);
    const holder = parseHolder(readIfPresent(paths.lockHolder));
    if (held && waitedMs >= request.waitMs) throw busy(holder, waitedMs);
    if (attempt === 0)
      request.emit({ type: 'waiting', for: 'lock', timeoutMs: request.waitMs, detail: describeHolder(holder) });
    // Spread out, so that many waiters do not meet at the gate again and again.
    await delay(POLL_MS + Math.random() * POLL_MS, request.signal);
  }
}

/** Who holds the lock right now, for display; null when nobody does. */
export async function readLockHolder(paths: StatePaths): Promise<LockHolder | null> {
  return (await isHeld(paths)) ? parseHolder(readIfPresent(paths.lockHolder)) : null;
}

async function tryLock(paths: StatePaths, request: LockRequest): Promise<Lock | null> {
  if (await isHeld(paths)) return null;
  await using gate = await enterGate(paths);
  if (gate === null) return null;
  // Inside the gate nobody else takes the lock: a lock without a live holder is a dead one's.
  if (await isHeld(paths)) return null;
  const former = parseHolder(readIfPresent(paths.lockHolder));
  if (await removeDeadLock(paths))
    request.emit({ type: 'lock-taken-over', pid: former?.pid ?? null, operation: former?.operation ?? null });

  // proper-lockfile knows its locks by this name: apps that share a state dir are not to release each other's.
  const unlock = await lockfile.lock(paths.lock, {
    lockfilePath: paths.lock,
    realpath: false,
    stale: NEVER_STALE_MS,
    update: TOUCH_MS,
    fs: PRIVATE,
    onCompromised: request.onLost,
  });
  try {
    writeAtomically(paths.lockHolder, `${JSON.stringify(describeSelf(request.operation))}\n`, { mode: 0o640 });
  } catch (error) {
    await unlock().catch(() => undefined); // what went wrong first is what has to be told
    throw error;
  }
  const hold = Symbol(request.operation);
  held.set(paths.lock, hold);
  return {
    async [Symbol.asyncDispose]() {
      await release(paths, unlock, request.emit);
      if (held.get(paths.lock) === hold) held.delete(paths.lock);
    },
  };
}

function describeSelf(operation: string): LockHolder {
  const self = identify(process.pid);
  if (self === null) throw new Error('the process cannot see itself in /proc');
  return { ...self, operation, since: new Date().toISOString(), pidNamespace: pidNamespace() };
}

/**
 * Inside the gate: once the holder's file has gone, the lock looks like a dead one's, and only there nobody can act on it.
 * The work is done: what goes wrong here is told and is no failure, and `held` knows that nobody holds what stays.
 */
async function release(paths: StatePaths, unlock: () => Promise<void>, emit: EventSink): Promise<void> {
  const warn = (error: Error): void => emit({ type: 'warned', about: 'the lock', detail: error.message });
  await using gate = await enterGateSoon(paths).catch((error: Error) => {
    warn(error);
    return null;
  });
  // Without the gate the file stays: it means nothing without the lock, and whoever comes next replaces it.
  if (gate !== null) {
    try {
      removeFile(paths.lockHolder);
    } catch (error) {
      warn(error as Error);
    }
  }
  await unlock().catch((error: Error) => {
    if (!isErrno(error, 'ERELEASED', 'ENOTACQUIRED', 'ENOENT')) warn(error); // lost: told by onCompromised
  });
}

async function enterGateSoon(paths: StatePaths): Promise<AsyncDisposable | null> {
  const patience = monotonicMs() + GATE_PATIENCE_MS;
  let gate = await enterGate(paths);
  while (gate === null && monotonicMs() < patience) {
    await delay(1 + Math.random() * 4);
    gate = await enterGate(paths);
  }
  return gate;
}

/** Whether the lock exists and its holder lives. A lock without a holder is one that is being taken, or was left. */
async function isHeld(paths: StatePaths): Promise<boolean> {
  const touchedAt = await lockTouchedAt(paths);
  if (touchedAt === null) return false;
  const holder = parseHolder(readIfPresent(paths.lockHolder));
  // A pid namespace, like a pid, means nothing after a reboot.
  if (holder === null || holder.bootId !== bootId()) return false;
  if (holder.pidNamespace !== pidNamespace()) return Math.abs(Date.now() - touchedAt) < UNSEEN_HOLDER_STALE_MS;
  const life = liveness(holder);
  // Ours, and not held: its release failed (EIO, EROFS). A supervisor would be in its own way for ever.
  if (life === 'alive' && holder.pid === process.pid) return held.has(paths.lock);
  return life !== 'dead';
}

async function lockTouchedAt(paths: StatePaths): Promise<number | null> {
  try {
    return (await stat(paths.lock)).mtimeMs;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return null;
    throw error;
  }
}

async function removeDeadLock(paths: StatePaths): Promise<boolean> {
  removeFile(paths.lockHolder);
  try {
    await rmdir(paths.lock);
    return true;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return false;
    throw error;
  }
}

function parseHolder(text: string | null): LockHolder | null {
  const holder = parseObject(text); // null for rubbish, as after a power loss
  if (holder === null) return null;
  const { operation, since, pidNamespace } = holder;
  const isWhole = isIdentity(holder) && [operation, since, pidNamespace].every(isText);
  return isWhole ? (holder as unknown as LockHolder) : null;
}

const describeHolder = (holder: LockHolder | null): string =>
  holder === null
    ? 'another operation is about to start'
    : `${holder.operation} (pid ${holder.pid}) since ${holder.since}`;

const busy = (holder: LockHolder | null, waitedMs: number) =>
  fail('busy', `another operation holds the lock: ${describeHolder(holder)}`, {
    pid: holder?.pid ?? null,
    operation: holder?.operation ?? null,
    since: holder?.since ?? null,
    waitedMs,
  });

const gateShut = (paths: StatePaths) =>
  fail('state-dir', `another program keeps the gate to ${paths.lock} shut`, {
    path: paths.lock,
    found: `somebody listens at the abstract socket ${gateName(paths)} (see /proc/net/unix)`,
    expected: 'nobody but graceful, for milliseconds',
  });
