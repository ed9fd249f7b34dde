// How a backend would be started now, and how that differs from one that runs: the names of what changed in its
// environment, never the values.
import { readFileSync } from 'node:fs';
import type { Config } from '../core/config.ts';
import type { Changes, PlannedStart } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import { isErrno } from './atomic-file.ts';
import type { BackendRecord } from './backend-record.ts';
import { planFor } from './launch-plan.ts';
import { releaseOf } from './release.ts';
import type { StatePaths } from './state-paths.ts';

export async function plannedStart(
  config: Config,
  paths: StatePaths,
  slot: Slot,
  running: BackendRecord | null,
  directory: string | null,
): Promise<PlannedStart> {
  const { cwd, argv } = await planFor(config, paths, slot, directory);
  const release = await releaseOf(config.cwd, cwd);
  return { cwd, release, command: argv, changes: await changesTo(config, paths, running, { cwd, release }) };
}

/** Held against what the running one's own slot would get now: what the slots differ in is no change. */
async function changesTo(
  config: Config,
  paths: StatePaths,
  running: BackendRecord | null,
  { cwd, release }: Pick<PlannedStart, 'cwd' | 'release'>,
): Promise<Changes | null> {
  if (running === null) return null;
  const planned = await planFor(config, paths, running.slot, cwd);
  const { command } = running;
  return {
    slot: running.slot,
    cwd: cwd !== running.cwd,
    release: release !== running.release,
    command: command === undefined ? null : JSON.stringify(command) !== JSON.stringify(planned.argv),
    environment: environmentChanges(running, planned.env),
  };
}

/** What a shell, or we, set anew at each start. */
const OF_THE_START =
  /^(?:_|SHLVL|PWD|OLDPWD|GRACEFUL_INSTANCE|NOTIFY_SOCKET|NODE_CHANNEL_(?:FD|SERIALIZATION_MODE)|LISTEN_(?:PID|FDS|FDNAMES|PIDFDID))$/;

/** Null where it cannot be read, or was written over to set a title. */
function environmentChanges(running: BackendRecord, planned: Readonly<Record<string, string>>): Changes['environment'] {
  const current = environmentOf(running.pid);
  if (current.get('GRACEFUL_INSTANCE') !== running.instance) return null;
  const counts = (name: string): boolean => !OF_THE_START.test(name);
  const names = Object.keys(planned).filter(counts).sort();
  return {
    added: names.filter((name) => !current.has(name)),
    changed: names.filter((name) => current.has(name) && current.get(name) !== planned[name]),
    removed: [...current.keys()].filter((name) => counts(name) && !Object.hasOwn(planned, name)).sort(),
  };
}

/** proc_pid_environ(5) */
function environmentOf(pid: number): ReadonlyMap<string, string> {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
    return new Map(
      pairs
        .filter((pair) => pair.includes('='))
        .map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
    );
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return new Map();
    throw error;
  }
}
