// A new backend in an empty slot: started, waited for, and taken down again unless it is kept. Only under the lock.
import { monotonicMs } from '../core/clock.ts';
import type { Slot } from '../core/slot.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import type { LaunchedBackend } from '../system/launcher.ts';
import { type App, assertNotAborted } from './app.ts';
import { runBeforeStart } from './hooks.ts';
import { takeDown } from './take-down.ts';
import { untilReady } from './until-ready.ts';
import { warmUp } from './warm-up.ts';

/** A backend that passed its gate. Leaving the scope without `keep` stops it: every way out undoes the start. */
export interface FreshBackend extends AsyncDisposable {
  readonly backend: BackendRecord;
  /** Where in the log file its output begins. */
  readonly logStart: number;
  keep(): void;
}

/**
 * Everything that can be found wrong before anything is stopped for it, and the user's beforeStart hook.
 * @throws `config`, `not-executable`, `hook-failed`, `aborted`
 */
export async function prepareStart(app: App, slot: Slot, directory: string | null = null): Promise<void> {
  await app.system.preflight(slot, directory);
  await runBeforeStart(app, slot, directory);
}

/**
 * Starts the slot's backend, in `directory` or else in the configured one, and waits until it is ready.
 * @throws `not-executable`, `socket-in-use`, `backend-exited`, `not-ready`, `aborted`; nothing is left running.
 */
export async function bringUp(app: App, slot: Slot, directory: string | null = null): Promise<FreshBackend> {
  if (await app.system.clearSocket(slot))
    app.emit({ type: 'stale-removed', path: app.system.paths.slots[slot].socket, reason: 'nobody listened there' });
  assertNotAborted(app);

  const startedAt = monotonicMs();
  const launched = await app.system.launch(slot, directory);
  using heard = launched.announcements;
  const { pid, cwd, release } = launched.record;
  app.emit({ type: 'backend-started', slot, pid, cwd, release });
  await using fresh = undoable(app, launched);
  const backend = await untilReady(app, launched);
  const deadline = Math.max(startedAt + app.config.startTimeoutMs, heard.extendedUntil());
  await warmUp(app, { ...launched, record: backend }, deadline);
  fresh.keep();
  return undoable(app, { ...launched, record: backend });
}

function undoable(app: App, { record, logStart }: LaunchedBackend): FreshBackend {
  let kept = false;
  return {
    backend: record,
    logStart,
    keep() {
      kept = true;
    },
    async [Symbol.asyncDispose]() {
      if (kept) return;
      const { hadDied } = await takeDown(app, record);
      const what = hadDied ? 'what the new backend left was removed' : 'the new backend was stopped';
      app.emit({ type: 'undone', slot: record.slot, what });
    },
  };
}
