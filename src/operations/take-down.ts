// The end of a backend that nobody is connected to any more, or whose time is up. Only under the lock.
import { monotonicMs } from '../core/clock.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, msSince } from './app.ts';
import { noteEnd } from './versions.ts';

/**
 * Stops the backend with all its descendants, and forgets it once it has certainly exited.
 * @returns whether it had died by itself, so that there was only something to clear.
 */
export async function takeDown(app: App, backend: BackendRecord): Promise<{ hadDied: boolean }> {
  const { slot, pid } = backend;
  const startedAt = monotonicMs();
  const hadDied = app.system.record(slot).kind !== 'alive';
  noteStopping(app, backend);
  const { killed } = await app.system.terminate(backend, (target, signal) => {
    app.emit({ type: 'backend-signalled', slot, pid: target, signal });
    app.emit({ type: 'waiting', for: 'exit', slot, timeoutMs: app.config.stopTimeoutMs });
  });
  // The socket first: were somebody of ours still listening, the record is what would find him.
  await app.system.clearSocket(slot);
  app.system.forget(slot);
  noteEnd(app, backend, hadDied ? null : app.operation);
  // Nobody stopped one that had died by itself.
  if (!hadDied) app.emit({ type: 'backend-stopped', slot, pid, ms: msSince(startedAt), killed });
  return { hadDied };
}

/** Best effort: a full disk must not keep a backend from being stopped. */
function noteStopping(app: App, backend: BackendRecord): void {
  try {
    app.system.saveRecord({ ...backend, stoppingAt: new Date().toISOString() });
  } catch (error) {
    app.emit({
      type: 'warned',
      about: 'the state dir',
      detail: error instanceof Error ? error.message : String(error),
    });
  }
}
