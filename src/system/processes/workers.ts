// The workers of a slot: the processes that its keepers have started, told by GRACEFUL_WORKER in their environment.
import type { WorkerStatus } from '../../core/status.ts';
import { startedMsAgo } from './age.ts';
import { environmentVariable } from './environment.ts';
import { readStat } from './stat.ts';
import { childrenOf, usageOfTree } from './usage.ts';

/** In the order of their numbers. One that is being replaced is not among them. */
export function workersOf(leader: number): readonly WorkerStatus[] {
  return childrenOf(leader)
    .flatMap(childrenOf)
    .flatMap((pid): readonly WorkerStatus[] => {
      const index = environmentVariable(pid, 'GRACEFUL_WORKER');
      const stat = readStat(pid);
      const usage = usageOfTree(pid);
      if (index === null || stat === null || stat.isDead || usage === null) return [];
      return [{ index: Number(index), pid, uptimeMs: startedMsAgo(stat), ...usage }];
    })
    .sort((one, other) => one.index - other.index);
}
