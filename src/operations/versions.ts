// What is noted of the versions that serve. Best effort: traffic has moved, a backend has gone, and a full disk does not
// undo that; only `rollback` knows less then. Under the lock.
import { end, serve, type Versions } from '../core/versions.ts';
import type { BackendRecord } from '../system/backend-record.ts';
import type { App } from './app.ts';

/** Traffic leads from one backend to another now. */
export function noteServing(
  app: App,
  from: BackendRecord | null,
  to: BackendRecord,
  inPlaceOf: string | null = null,
): void {
  note(app, (versions) => serve(from === null ? versions : serve(versions, from), to, inPlaceOf));
}

/** A backend has gone; `by` whom it was stopped, or null when nobody did. */
export function noteEnd(app: App, { instance }: BackendRecord, by: string | null): void {
  note(app, (versions) => {
    const isNews = versions.list.some((version) => version.instance === instance && version.ended === null);
    return isNews ? end(versions, instance, { at: new Date().toISOString(), by }) : versions;
  });
}

function note({ system, emit }: App, change: (versions: Versions) => Versions): void {
  try {
    const before = system.versions.read();
    const after = change(before);
    if (after !== before) system.versions.write(after);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    emit({ type: 'warned', about: 'what rollback needs to know', detail });
  }
}
