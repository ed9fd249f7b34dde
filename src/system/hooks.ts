// The user's programs at a moment of an operation: beforeStart, afterSwitch, afterFailure.
import { realpath } from 'node:fs/promises';
import { execa } from 'execa';
import { backendEnvironment } from '../config/environment.ts';
import { replacePlaceholders } from '../config/placeholders.ts';
import type { Config } from '../core/config.ts';
import type { HookName } from '../core/events.ts';
import type { Slot } from '../core/slot.ts';
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
  const startedAt = performance.now();
  const values = { socket: paths.slots[slot].socket, slot, name: config.name, stateDir: config.stateDir };
  const [file = '', ...args] = (config.hooks[hook] ?? []).map((argument) => replacePlaceholders(argument, values));
  const result = await execa(file, args, {
    cwd: await realpath(config.cwd),
    env: { ...(await backendEnvironment(config, values, process.env)), ...extra, GRACEFUL_HOOK: hook },
    extendEnv: false,
    stdin: 'ignore',
    all: true,
    reject: false,
    timeout: config.startTimeoutMs,
    forceKillAfterDelay: 1_000,
    ...(signal === undefined ? {} : { cancelSignal: signal }),
    maxBuffer: 1024 * 1024,
  });
  const ms = Math.round(performance.now() - startedAt);
  if (!result.failed) return { ok: true, ms };
  const reason = result.timedOut
    ? `still running after ${config.startTimeoutMs} ms`
    : result.isCanceled
      ? 'aborted'
      : result.exitCode === undefined
        ? (result.signal ?? result.originalMessage ?? 'it could not be started')
        : `exit code ${result.exitCode}`;
  return { ok: false, ms, reason, output: (result.all ?? '').split('\n').slice(-20) };
}
