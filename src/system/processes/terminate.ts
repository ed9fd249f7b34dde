// How a backend ends: the stop signal to its leader, patience, then SIGKILL to the whole group. Identity is checked again
// before every signal.
import { monotonicMs } from '../../core/clock.ts';
import { fail } from '../../core/failure.ts';
import { isErrno } from '../atomic-file.ts';
import { delay } from '../delay.ts';
import { type Family, familyOf } from './family.ts';
import { isAlive, type ProcessIdentity } from './identity.ts';
import { ignoresSignal } from './signals.ts';

export interface Termination {
  readonly signal: NodeJS.Signals;
  /** Stop signal to SIGKILL. */
  readonly timeoutMs: number;
  readonly socketPath: string;
  readonly onSignal: (pid: number, signal: NodeJS.Signals) => void;
  /** Until when it has asked for more time; monotonic. */
  readonly extendedUntil?: () => number;
}

// SIGKILL cannot be refused, but a process in uninterruptible sleep (a dead NFS mount) dies only when it wakes.
const KILL_PATIENCE_MS = 5_000;

/**
 * Ends the backend and everything that descends from it; returns when all of it has certainly exited.
 * @returns whether SIGKILL was needed.
 * @throws `stop-failed` when a process survives, or may not be signalled by this user.
 */
export async function terminate(record: Family, how: Termination): Promise<{ killed: boolean }> {
  const timeout = monotonicMs() + how.timeoutMs;
  const deadline = (): number => Math.max(timeout, how.extendedUntil?.() ?? 0);
  if (isAlive(record)) {
    how.onSignal(record.pid, how.signal);
    signalProcess(record, how.signal, record);
    await untilGone([record], deadline);
  }
  // A leader that exited may have left others, which have not been told yet (`sh -c` passes no signal on).
  const left = familyOf(record, how.socketPath);
  if (!isAlive(record) && left.length > 0) {
    for (const [process, signal] of heeded(left, how.signal)) {
      how.onSignal(process.pid, signal);
      signalProcess(process, signal, record);
    }
    await untilGone(left, deadline);
  }
  return { killed: await killRemaining(record, how) };
}

/**
 * The stop signal, or SIGTERM for those who ignore that, and for them first: a shell starts what it runs in the background with SIGINT
 * and SIGQUIT ignored (POSIX, Shell Command Language, 2.11). So are the keepers of workers, which start anew what ends before they do.
 */
function heeded(processes: readonly ProcessIdentity[], signal: NodeJS.Signals) {
  const ignoring = processes.filter(({ pid }) => ignoresSignal(pid, signal));
  const heeding = processes.filter((process) => !ignoring.includes(process));
  return [
    ...ignoring.map((process) => [process, 'SIGTERM'] as const),
    ...heeding.map((process) => [process, signal] as const),
  ];
}

async function killRemaining(record: Family, how: Termination): Promise<boolean> {
  const remaining = (): readonly ProcessIdentity[] => [
    ...(isAlive(record) ? [record] : []),
    ...familyOf(record, how.socketPath),
  ];
  const targets = remaining();
  if (targets.length === 0) return false;
  how.onSignal(record.pid, 'SIGKILL');
  const deadline = monotonicMs() + KILL_PATIENCE_MS;
  // Again and again: a process that was about to fork when we looked has a child now.
  for (let left = targets; left.length > 0; left = remaining()) {
    if (monotonicMs() > deadline)
      throw fail(
        'stop-failed',
        `slot ${record.slot}: process ${left[0]?.pid} is still there ${KILL_PATIENCE_MS} ms after SIGKILL (uninterruptible sleep?)`,
        {
          slot: record.slot,
          pid: left[0]?.pid ?? record.pid,
          reason: 'survived SIGKILL',
        },
      );
    for (const process of left) signalProcess(process, 'SIGKILL', record);
    const pause = Math.min(deadline, monotonicMs() + 500);
    await untilGone(left, () => pause);
  }
  return true;
}

/** Waits until all of them have exited or the deadline has passed. */
async function untilGone(processes: readonly ProcessIdentity[], deadline: () => number): Promise<void> {
  for (let pause = 1; processes.some(isAlive); pause = Math.min(pause * 2, 50)) {
    const leftMs = deadline() - monotonicMs();
    if (leftMs <= 0) return;
    await delay(Math.min(pause, Math.max(1, leftMs)));
  }
}

/** The only kill(2) in the project. */
function signalProcess(target: ProcessIdentity, signal: NodeJS.Signals, record: Family): void {
  if (!isAlive(target)) return;
  try {
    process.kill(target.pid, signal);
  } catch (error) {
    if (isErrno(error, 'ESRCH')) return; // it was faster
    throw fail(
      'stop-failed',
      `slot ${record.slot}: process ${target.pid} may not be signalled by this user; run this command as the user who started it`,
      { slot: record.slot, pid: target.pid, reason: 'EPERM' },
      error,
    );
  }
}
