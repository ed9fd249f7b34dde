// How long ago a process was started.
import { readFileSync } from 'node:fs';
import { monotonicMs } from '../../core/clock.ts';
import type { ProcessStat } from './stat.ts';

const MS_PER_TICK = 10; // USER_HZ is 100 on every Linux that Node runs on

/**
 * Both are counted from the boot: no clock of the wall is asked. Of the two that count so, /proc/uptime is the container's own
 * under lxcfs, and the monotonic one leaves out what the machine has slept: the later one is right.
 */
export function startedMsAgo({ startTicks }: Pick<ProcessStat, 'startTicks'>): number {
  const uptimeMs = Number(readFileSync('/proc/uptime', 'latin1').split(' ')[0]) * 1_000;
  return Math.max(0, Math.round(Math.max(uptimeMs, monotonicMs()) - Number(startTicks) * MS_PER_TICK));
}
