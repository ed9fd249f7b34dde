// From which directory a backend is started. `update` and `start` take what is on disk now, or the release that is named;
// `restart` and `keepalive` deploy nothing: they take the directory of the version that they bring back.
import { GracefulError } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import { versionBefore } from '../core/versions.ts';
import type { App } from './app.ts';
import type { Snapshot } from './observe.ts';

/** Null is the configured directory. With `release: git` it may take minutes: not under the lock. */
export const deployed = (app: App, wanted: string | null | undefined): Promise<string | null> =>
  app.system.chooseRelease(wanted ?? null, app.emit, app.signal);

/** That of the version that serves, or served last. */
export async function served(app: App): Promise<string | null> {
  const { serving, list } = app.system.versions.read();
  const version = list.find(({ instance }) => instance === serving);
  return version === undefined ? deployed(app, null) : still(app, version.cwd);
}

/** That of the backend which the slot has, or of the version that serves. */
export async function ranFrom(app: App, { occupants }: Snapshot, slot: Slot): Promise<string | null> {
  const backend = occupants[slot];
  return backend === null ? served(app) : still(app, backend.cwd);
}

async function still(app: App, directory: string): Promise<string | null> {
  if (await app.system.isDirectory(directory)) return directory;
  app.emit({ type: 'warned', about: 'the release', detail: `${directory} is gone; what is on disk now is started` });
  return deployed(app, null);
}

/** Best effort, after an update: the new version serves whatever becomes of the old ones. */
export async function removeOld(app: App): Promise<void> {
  if (app.config.release === null) return;
  try {
    const versions = app.system.versions.read();
    const serving = versions.list.find(({ instance }) => instance === versions.serving);
    const kept = [serving, versionBefore(versions), ...versions.list.filter(({ ended }) => ended === null)];
    await app.system.removeOldReleases(
      kept.flatMap((version) => version?.cwd ?? []),
      app.emit,
    );
  } catch (error) {
    app.emit({ type: 'warned', about: 'old releases', detail: GracefulError.from(error).message });
  }
}
