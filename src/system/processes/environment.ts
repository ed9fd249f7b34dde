// One variable of another process, as that was started with: proc_pid_environ(5).
import { readFileSync } from 'node:fs';
import { isErrno } from '../atomic-file.ts';

/** Null where it is not set, and for other users' processes. */
export function environmentVariable(pid: number, name: string): string | null {
  try {
    const environment = `\0${readFileSync(`/proc/${pid}/environ`, 'utf8')}`;
    const start = environment.indexOf(`\0${name}=`);
    if (start === -1) return null;
    const end = environment.indexOf('\0', start + 1);
    return environment.slice(start + name.length + 2, end === -1 ? undefined : end);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return null;
    throw error;
  }
}
