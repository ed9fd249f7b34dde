// When the user's hooks run, and what their failure means.

import type { HookName } from '../core/events.ts';
import { type FailureRecord, fail, GracefulError } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, assertNotAborted } from './app.ts';

/** @throws `hook-failed`: a backend is not started when its preparation (a migration, a build) failed. */
export async function runBeforeStart(app: App, slot: Slot, directory: string | null): Promise<void> {
  const result = await run(app, 'beforeStart', slot, {}, app.signal, directory);
  assertNotAborted(app);
  if (result === 'ok') return;
  throw fail('hook-failed', `the beforeStart hook failed: ${result.reason}`, { hook: 'beforeStart', ...result });
}

/** After the switch it is too late to fail: the hook's failure is told and nothing more. */
export async function runAfterSwitch(app: App, from: Slot | null, { slot: to, cwd }: BackendRecord): Promise<void> {
  try {
    await run(app, 'afterSwitch', to, { GRACEFUL_FROM: from ?? '', GRACEFUL_TO: to }, undefined, cwd);
  } catch (error) {
    app.emit({ type: 'hook-failed', hook: 'afterSwitch', reason: GracefulError.from(error).message, output: [] });
  }
}

export async function runAfterFailure(app: App, failure: FailureRecord): Promise<void> {
  const slot = 'slot' in failure.details ? failure.details.slot : 'a';
  await run(app, 'afterFailure', slot, {
    GRACEFUL_OPERATION: app.operation,
    GRACEFUL_FAILURE: failure.code,
    GRACEFUL_FAILURE_MESSAGE: failure.message,
  });
}

interface HookFailure {
  readonly reason: string;
  readonly output: readonly string[];
}

async function run(
  app: App,
  hook: HookName,
  slot: Slot,
  extra: Readonly<Record<string, string>>,
  signal?: AbortSignal,
  directory: string | null = null,
): Promise<'ok' | HookFailure> {
  if (app.config.hooks[hook] === null) return 'ok';
  const result = await app.system.hook(hook, slot, extra, signal, directory);
  if (result.ok) {
    app.emit({ type: 'hook-succeeded', hook, ms: result.ms });
    return 'ok';
  }
  const { reason, output } = result;
  app.emit({ type: 'hook-failed', hook, reason, output });
  return { reason, output };
}
