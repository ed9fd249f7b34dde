// The user's programs at a moment of an operation: beforeStart, afterSwitch, afterFailure.

import { backendEnvironment } from '../config/environment.ts';
import { replacePlaceholders } from '../config/placeholders.ts';
import { monotonicMs } from '../core/clock.ts';
import type { Config } from '../core/config.ts';
import type { HookName } from '../core/events.ts';
import type { Slot } from '../core/slot.ts';
import { resolveCwd } from './launcher.ts';
import { runProgram } from './program.ts';
import type { StatePaths } from './state-paths.ts';

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
): Promise<HookResult> {
  const startedAt = monotonicMs();
  const { socket } = paths.slots[slot];
  const values = { socket, slot, name: config.name, stateDir: config.stateDir };
  const limit = AbortSignal.timeout(config.startTimeoutMs);
  const end = await runProgram({
    argv: (config.hooks[hook] ?? []).map((argument) => replacePlaceholders(argument, values)),
    cwd: await resolveCwd(config, slot),
    env: { ...(await backendEnvironment(config, values, process.env)), ...extra, GRACEFUL_HOOK: hook },
    slot,
    socketPath: socket,
    stop: signal === undefined ? limit : AbortSignal.any([limit, signal]),
    graceMs: 1_000,
  });
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
