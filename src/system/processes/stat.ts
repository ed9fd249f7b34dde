// One line of /proc/<pid>/stat, proc_pid_stat(5).
import { readdirSync, readFileSync } from 'node:fs';
import { isErrno } from '../atomic-file.ts';

export interface ProcessStat {
  readonly pid: number;
  /**
   * Zombie or dead (state Z, X): it has exited, whatever kill(pid, 0) says. Not while it has other threads: the main one
   * may be a zombie already and the others still hold the listening socket open.
   */
  readonly isDead: boolean;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly startTicks: string;
  /** User and system time. */
  readonly cpuTicks: number;
  readonly rssPages: number;
}

/** The process's stat line, null when there is no such process (or none that we may see). */
export function readStat(pid: number): ProcessStat | null {
  let line: string;
  try {
    // As UTF-8 Node reads it in one call into memory that is there; as latin1 it takes 64 KiB afresh for each process.
    line = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return null;
    throw error;
  }
  // The command name stands in parentheses and may itself contain spaces and parentheses: count from the last one.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const numberAt = (field: number): number => Number(fields[field - 3]);
  const isOver = fields[0] === 'Z' || fields[0] === 'X' || fields[0] === 'x';
  return {
    pid,
    isDead: isOver && numberAt(20) <= 1,
    parent: numberAt(4),
    group: numberAt(5),
    session: numberAt(6),
    startTicks: fields[22 - 3] ?? '',
    cpuTicks: numberAt(14) + numberAt(15),
    rssPages: numberAt(24),
  };
}

/** Every process that we may see, zombies left out. */
export const listProcesses = (): readonly ProcessStat[] =>
  listPids()
    .map(readStat)
    .filter((stat): stat is ProcessStat => stat !== null && !stat.isDead);

export const listPids = (): readonly number[] =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number);
