// What a process does about a signal, from /proc/PID/status.
import { readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { isErrno } from '../atomic-file.ts';

/** Whether it is ignored: SigIgn of proc_pid_status(5), a bit for each signal. False for a process that has gone. */
export function ignoresSignal(pid: number, signal: NodeJS.Signals): boolean {
  try {
    const ignored = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0';
    return ((BigInt(`0x${ignored}`) >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return false;
    throw error;
  }
}
