// The end of a backend that nobody is connected to any more, or whose time is up. Only under the lock.
import { monotonicMs } from '../core/clock.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import { type App, msSince } from './app.ts';

/** Stops the backend with all its descendants, and forgets it once it has certainly exited. */
export async function takeDown(app: App, backend: BackendRecord): Promise<void> {
  const { slot, pid } = backend;
  const startedAt = monotonicMs();
  const hadDied = app.system.record(slot).kind !== 'alive';
  app.system.saveRecord({ ...backend, stoppingAt: new Date().toISOString() });
  const { killed } = await app.system.terminate(backend, (target, signal) => {
    app.emit({ type: 'backend-signalled', slot, pid: target, signal });
    app.emit({ type: 'waiting', for: 'exit', slot, timeoutMs: app.config.stopTimeoutMs });
  });
  app.system.forget(slot);
  await app.system.clearSocket(slot);
  // Nobody stopped one that had died by itself.
  if (!hadDied) app.emit({ type: 'backend-stopped', slot, pid, ms: msSince(startedAt), killed });
}
