// What runs on this machine, as /proc shows it: the oracle for orphans, strangers and survivors.
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Live processes (zombies have no environment any more) in whose environment the variable begins with `prefix`. */
export const processesWith = (variable: string, prefix: string): readonly number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && Number(entry) !== process.pid)
    .map(Number)
    .filter((pid) => `\0${read(`/proc/${pid}/environ`)}`.includes(`\0${variable}=${prefix}`));

/** Live processes that work in this directory or below it: of programs that write over their environment to set a title. */
export const processesIn = (dir: string): readonly number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry) && `${workingDirectory(entry)}/`.startsWith(`${dir}/`))
    .map(Number);

/** One variable of a process, as it was started with. */
export const environmentOf = (pid: number): Readonly<Record<string, string>> =>
  Object.fromEntries(
    read(`/proc/${pid}/environ`)
      .split('\0')
      .filter((entry) => entry.includes('='))
      .map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
  );

export const argumentsOf = (pid: number): readonly string[] => read(`/proc/${pid}/cmdline`).split('\0').slice(0, -1);

/** The state letter of proc_pid_stat(5): R, S, T, Z…; null when there is no such process. */
export function stateOf(pid: number): string | null {
  const line = read(`/proc/${pid}/stat`);
  return line === '' ? null : line.slice(line.lastIndexOf(')') + 2, line.lastIndexOf(')') + 3);
}

/** Whether it runs: a zombie does not, unless it has threads that are still at it and hold its files open. */
export function runs(pid: number): boolean {
  const line = read(`/proc/${pid}/stat`);
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const threads = Number(fields[17]);
  return line !== '' && (!['Z', 'X'].includes(fields[0] as string) || threads > 1);
}

export const parentOf = (pid: number): number => {
  const line = read(`/proc/${pid}/stat`);
  return Number(line.slice(line.lastIndexOf(')') + 2).split(' ')[1]);
};

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // gone, or another user's
  }
}

function workingDirectory(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return ''; // gone, or a kernel thread
  }
}
