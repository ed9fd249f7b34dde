// The user's programs at a moment of an operation: beforeStart, afterSwitch, afterFailure.
import { randomUUID } from 'node:crypto';

import { backendEnvironment } from '../config/environment.ts';
import { replacePlaceholders } from '../config/placeholders.ts';
import { monotonicMs } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { HookName } from '../core/events.ts';
import type { Slot } from '../core/slot.ts';
import { readIfPresent, removeFile, writeAtomically } from './atomic-file.ts';
import { resolveCwd } from './launcher.ts';
import { canBe, type Family, familyOf } from './processes/family.ts';
import { identify, type ProcessIdentity } from './processes/identity.ts';
import { terminate } from './processes/terminate.ts';
import { runProgram } from './program.ts';
import type { StatePaths } from './state-paths.ts';

const GRACE_MS = 1_000;
// On disk it is null. No number: kill(2) has a meaning for each.
const UNKNOWN_PID = Number.NaN;

export type HookResult =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly ms: number; readonly reason: string; readonly output: readonly string[] };

/**
 * Runs a hook to its end, in the app's directory and environment, within `startTimeout`.
 * GRACEFUL_HOOK is set: a `graceful` command in it that needs the lock fails at once instead of waiting for its own parent.
 */
export async function runHook(
  config: Config,
  paths: StatePaths,
  hook: HookName,
  slot: Slot,
  extra: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  directory: string | null = null,
): Promise<HookResult> {
  const startedAt = monotonicMs();
  const { socket } = paths.slots[slot];
  const values = { socket, slot, name: config.name, stateDir: config.stateDir };
  const limit = AbortSignal.timeout(config.startTimeoutMs);
  // afterFailure runs when the operation is over, perhaps beside the next one.
  const isUnderLock = hook !== 'afterFailure';
  const instance = randomUUID();
  const note = (program: Omit<Family, 'instance' | 'slot'>): void => {
    if (isUnderLock)
      writeAtomically(paths.hook, `${JSON.stringify({ ...program, instance, slot })}\n`, { mode: 0o640 });
  };
  const cwd = await resolveCwd(directory ?? config.cwd, slot);
  const environment = await backendEnvironment(config, values, process.env);
  // Before it runs: were we killed a moment later, its instance is what it would be known by.
  note(notYetKnown());
  const end = await runProgram({
    argv: (config.hooks[hook] ?? []).map((argument) => replacePlaceholders(argument, values)),
    cwd,
    env: { ...environment, ...extra, GRACEFUL_HOOK: hook },
    slot,
    socketPath: socket,
    stop: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    graceMs: GRACE_MS,
    instance,
    onStarted: ({ pid, startTicks, bootId }) => note({ pid, startTicks, bootId }),
  });
  if (isUnderLock) removeFile(paths.hook);
  const ms = Math.round(monotonicMs() - startedAt);
  if (end.exitCode === 0 && !end.wasStopped) return { ok: true, ms };
  const { output } = end;
  if (end.startError !== null) return { ok: false, ms, reason: end.startError, output };
  if (end.wasStopped)
    return {
      ok: false,
      ms,
      reason: limit.aborted ? `still running after ${config.startTimeoutMs} ms` : 'aborted',
      output,
    };
  return {
    ok: false,
    ms,
    reason: end.signal === null ? `exit code ${end.exitCode}` : `killed by ${end.signal}`,
    output,
  };
}

/**
 * Ends a hook whose graceful was killed, with everything that it started: two migrations must not run side by side. Only
 * under the lock: then whoever ran it is certainly gone. Null when there is none.
 */
export const endOrphanedHook = (paths: StatePaths): Promise<number | null> => endOrphan(paths.hook, paths);

/** The same of any program that `path` names. */
export async function endOrphan(path: string, paths: StatePaths): Promise<number | null> {
  const orphan = parseProgram(readIfPresent(path));
  let ended: number | null = null;
  if (orphan !== null && canBe(orphan)) {
    const socketPath = paths.slots[orphan.slot].socket;
    ended = Number.isNaN(orphan.pid) ? (familyOf(orphan, socketPath)[0]?.pid ?? null) : orphan.pid;
    await terminate(orphan, { signal: 'SIGTERM', timeoutMs: GRACE_MS, socketPath, onSignal: () => undefined });
  }
  removeFile(path);
  return ended;
}

/** Younger than we are, under a pid that is not known yet. */
function notYetKnown(): ProcessIdentity {
  const self = identify(process.pid);
  if (self === null) throw new Error('the process cannot see itself in /proc');
  return { ...self, pid: UNKNOWN_PID };
}

function parseProgram(text: string | null): Family | null {
  try {
    const { pid, startTicks, bootId, instance, slot } = JSON.parse(text ?? '{}') as Partial<Family>;
    const isWhole =
      (pid === null || (Number.isSafeInteger(pid) && (pid as number) > 1)) &&
      [startTicks, bootId, instance].every((field) => typeof field === 'string');
    if (!isWhole || (slot !== 'a' && slot !== 'b')) return null;
    return { pid: pid ?? UNKNOWN_PID, startTicks, bootId, instance, slot } as Family;
  } catch {
    return null; // rubbish, as after a power loss
  }
}
