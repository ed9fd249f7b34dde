// The user's programs at a moment of an operation: beforeStart, afterSwitch, afterFailure.
import { backendEnvironment } from '../config/environment.ts';
import { replacePlaceholders } from '../config/placeholders.ts';
import { monotonicMs } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { HookName } from '../core/events.ts';
import type { Slot } from '../core/slot.ts';
import { resolveCwd } from './launch-plan.ts';
import { endOrphan, runNoted } from './orphans.ts';
import { type Program, runProgram } from './program.ts';
import type { StatePaths } from './state-paths.ts';

const GRACE_MS = 1_000;

export type HookResult =
  | { readonly ok: true; readonly ms: number }
  | { readonly ok: false; readonly ms: number; readonly reason: string; readonly output: readonly string[] };

/**
 * Runs a hook to its end, in the app's directory and environment, within `hooks.timeout`.
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
  const limit = AbortSignal.timeout(config.hookTimeoutMs);
  // afterFailure runs when the operation is over, perhaps beside the next one.
  const isUnderLock = hook !== 'afterFailure';
  const cwd = await resolveCwd(directory ?? config.cwd, slot);
  const environment = await backendEnvironment(config, values, process.env);
  const program: Program = {
    argv: (config.hooks[hook] ?? []).map((argument) => replacePlaceholders(argument, values)),
    cwd,
    env: { ...environment, ...extra, GRACEFUL_HOOK: hook },
    slot,
    socketPath: socket,
    stop: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    graceMs: GRACE_MS,
  };
  const end = await (isUnderLock ? runNoted(paths.hook, program) : runProgram(program));
  const ms = Math.round(monotonicMs() - startedAt);
  if (end.exitCode === 0 && !end.wasStopped) return { ok: true, ms };
  const { output } = end;
  if (end.startError !== null) return { ok: false, ms, reason: end.startError, output };
  if (end.wasStopped)
    return {
      ok: false,
      ms,
      reason: limit.aborted ? `still running after ${config.hookTimeoutMs} ms, and ended (hooks.timeout)` : 'aborted',
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
export const endOrphanedHook = (paths: StatePaths): Promise<number | null> => endOrphan(paths.hook, paths.slots);
