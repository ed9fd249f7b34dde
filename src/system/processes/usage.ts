// Memory and CPU time of a process and all its descendants.
import { readdirSync, readFileSync } from 'node:fs';
import { isErrno } from '../atomic-file.ts';
import { readStat } from './stat.ts';

// USER_HZ is 100 on every Linux that Node runs on, and so are 4096-byte pages on x86-64 and most arm64 kernels.
const MS_PER_TICK = 10;
const PAGE_BYTES = 4096;

export interface Usage {
  readonly rssBytes: number;
  readonly cpuMs: number;
}

export function usageOfTree(pid: number): Usage | null {
  const stat = readStat(pid);
  if (stat === null) return null;
  return childrenOf(pid)
    .map(usageOfTree)
    .reduce<Usage>(
      (sum, child) =>
        child === null ? sum : { rssBytes: sum.rssBytes + child.rssBytes, cpuMs: sum.cpuMs + child.cpuMs },
      { rssBytes: stat.rssPages * PAGE_BYTES, cpuMs: stat.cpuTicks * MS_PER_TICK },
    );
}

/** Pids of the direct children, from /proc/PID/task/TID/children of each of its threads: those of a runtime fork, too. proc(5) */
export const childrenOf = (pid: number): readonly number[] =>
  unlessGone(() => readdirSync(`/proc/${pid}/task`)).flatMap((thread) =>
    unlessGone(() => readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' '))
      .filter(Boolean)
      .map(Number),
  );

/** Nothing where the process or its thread has gone, or the kernel was built without CONFIG_PROC_CHILDREN. */
function unlessGone(read: () => readonly string[]): readonly string[] {
  try {
    return read();
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return [];
    throw error;
  }
}

/** The process and all its descendants. */
export const treeOf = (pid: number): readonly number[] => [pid, ...childrenOf(pid).flatMap(treeOf)];
