// Says when to look at the logs again: whenever something changes in their directory, and once a second in any case, since
// some file systems (NFS) tell nothing and the directory may not be there yet.
import { type FSWatcher, watch } from 'node:fs';

const LOOK_MS = 1_000;

/** Calls `look` until the returned function is called. */
export function watchLogs(dir: string, look: () => void): () => void {
  let watcher: FSWatcher | null = null;
  const begin = (): void => {
    try {
      watcher ??= watch(dir, look).on('error', () => {
        watcher?.close();
        watcher = null;
      });
    } catch {
      // ENOENT; ENOSPC and EMFILE: no inotify left. Then only once a second.
    }
  };
  begin();
  const timer = setInterval(() => {
    begin();
    look();
  }, LOOK_MS);
  return () => {
    clearInterval(timer);
    watcher?.close();
  };
}
