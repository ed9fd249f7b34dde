// Who a process is. A pid alone is never trusted: it is reused, and a zombie answers kill(pid, 0).
import { readFileSync, readlinkSync } from 'node:fs';
import { isErrno } from '../atomic-file.ts';
import { readStat } from './stat.ts';

/** A process, told apart from every other that ever had the same pid. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Field 22 of /proc/<pid>/stat, proc_pid_stat(5): clock ticks since boot, immune to clock jumps. */
  readonly startTicks: string;
  /** /proc/sys/kernel/random/boot_id: the same pid and start time after a reboot is another process. */
  readonly bootId: string;
}

export type Liveness =
  | 'alive'
  /** Gone, a zombie, another process under the same pid, or of a former boot. */
  | 'dead'
  /** There is a process, and whether it is the one cannot be seen (hidepid, proc(5)). */
  | 'unverifiable';

let cachedBootId: string | undefined;

export function bootId(): string {
  cachedBootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return cachedBootId;
}

/** Whether there are processes outside of what /proc shows us: the first namespace has a number of its own, namespaces(7). */
export const isInContainer = (): boolean => pidNamespace() !== 'pid:[4026531836]'; // PROC_PID_INIT_INO

/** Pids mean nothing outside of their namespace. */
export const pidNamespace = (): string => readlinkSync('/proc/self/ns/pid');

/** The identity of a live process, null when there is none. */
export function identify(pid: number): ProcessIdentity | null {
  const stat = readStat(pid);
  return stat === null || stat.isDead ? null : { pid, startTicks: stat.startTicks, bootId: bootId() };
}

export function liveness(identity: ProcessIdentity): Liveness {
  // kill(2) means more than one process by them.
  if (identity.bootId !== bootId() || !(identity.pid > 0)) return 'dead';
  const stat = readStat(identity.pid);
  if (stat !== null) return !stat.isDead && stat.startTicks === identity.startTicks ? 'alive' : 'dead';
  return existsUnseen(identity.pid) ? 'unverifiable' : 'dead';
}

export const isAlive = (identity: ProcessIdentity): boolean => liveness(identity) === 'alive';

/** Whether kill(2) sees a process that /proc hides from us. */
function existsUnseen(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // It may have been born between the two looks; then /proc shows it now, and it is not the one we asked for.
    return readStat(pid) === null;
  } catch (error) {
    return isErrno(error, 'EPERM');
  }
}
