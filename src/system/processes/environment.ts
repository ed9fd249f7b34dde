// The environment of another process, as that was started with it: proc_pid_environ(5).
import { readFileSync } from 'node:fs';
import { isErrno } from '../atomic-file.ts';

/** Null for other users' processes, and where there is none. */
export function environmentOf(pid: number): Record<string, string> | null {
  const environment = readEnvironment(pid);
  if (environment === null) return null;
  const entries = environment.split('\0').filter((entry) => entry.includes('='));
  return Object.fromEntries(entries.map((entry) => [entry.split('=', 1)[0], entry.slice(entry.indexOf('=') + 1)]));
}

/** Null where it is not set, and for other users' processes. */
export function environmentVariable(pid: number, name: string): string | null {
  const environment = `\0${readEnvironment(pid) ?? ''}`;
  const start = environment.indexOf(`\0${name}=`);
  if (start === -1) return null;
  const end = environment.indexOf('\0', start + 1);
  return environment.slice(start + name.length + 2, end === -1 ? undefined : end);
}

function readEnvironment(pid: number): string | null {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return null;
    throw error;
  }
}
