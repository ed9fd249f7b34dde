// The names of all files in the state dir, each such that a person who lists the directory understands it.
import { join } from 'node:path';
import { type PerSlot, perSlot } from '../core/slot.ts';

export interface SlotPaths {
  readonly socket: string;
  /** The plain pid, as every other tool expects. */
  readonly pid: string;
  /** Who that pid is: start time, boot id, release. */
  readonly backend: string;
  /** The backend's stdout and stderr, appended. */
  readonly log: string;
  /** What it has said of itself: ready, stopping, its status. */
  readonly said: string;
  /** Where it says that: its NOTIFY_SOCKET. */
  readonly notify: string;
}

export interface StatePaths {
  readonly dir: string;
  readonly link: string;
  /** Up or down: what the operator wants. */
  readonly desired: string;
  /** Which versions have served: what rollback goes back to. */
  readonly versions: string;
  /** The lock (a directory, as proper-lockfile makes it) and, beside it, who holds it. */
  readonly lock: string;
  readonly lockHolder: string;
  /** The hook that is running, so that one which outlived its graceful is not run beside itself. */
  readonly hook: string;
  /** What was done, one line of JSON each; beyond a megabyte it becomes the older one. */
  readonly history: string;
  readonly historyOlder: string;
  /** The `release.prepare` that is running, for the same reason as the hook. */
  readonly prepare: string;
  /** The supervisor's socket. */
  readonly control: string;
  readonly slots: PerSlot<SlotPaths>;
}

export function statePaths(stateDir: string, name: string): StatePaths {
  const at = (suffix: string): string => join(stateDir, `${name}${suffix}`);
  return {
    dir: stateDir,
    link: at('.socket'),
    desired: at('.desired.json'),
    versions: at('.versions.json'),
    lock: at('.lock'),
    lockHolder: at('.lock-holder.json'),
    hook: at('.hook.json'),
    history: at('.history.jsonl'),
    historyOlder: at('.history.1.jsonl'),
    prepare: at('.prepare.json'),
    control: at('.control'),
    slots: perSlot((slot) => ({
      socket: at(`-${slot}.socket`),
      pid: at(`-${slot}.pid`),
      backend: at(`-${slot}.backend.json`),
      log: at(`-${slot}.log`),
      said: at(`-${slot}.said.json`),
      notify: at(`-${slot}.notify`),
    })),
  };
}
