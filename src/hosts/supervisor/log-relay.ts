// `log: inherit`: what the backends write, on the supervisor's stdout too, each line with its app and slot. The backends
// still write to their files, and we follow those: a pipe to us would break, and them with it, when we are killed.
import { dirname } from 'node:path';
import { SLOTS, type Slot } from '../../core/slot.ts';
import type { AppSystem } from '../../system/app-system.ts';
import { LogReader } from '../../system/log-reader.ts';
import { watchLogs } from '../../system/log-watch.ts';

/** Hears each line that a backend writes, where `log` is `inherit`. */
export type OutputListener = (app: string, slot: Slot, line: string) => void;

/** Follows the logs of both slots where the configuration asks for it; returns how to stop. */
export function relayLogs({ config, paths }: AppSystem, onOutput: OutputListener): () => void {
  if (config.log !== 'inherit') return () => undefined;
  const ends = SLOTS.map((slot) => followLog(paths.slots[slot].log, (line) => onOutput(config.name, slot, line)));
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

/** Follows a log from its end, over rotation too; returns how to stop. */
export function followLog(path: string, onLine: (line: string) => void): () => void {
  const reader = new LogReader(path, 0);
  const look = (): void => {
    try {
      reader.read(onLine);
    } catch (error) {
      // EIO and ESTALE: a file system that went away takes the log with it. EMFILE, EACCES: the next look may go better.
      if (!(error instanceof Error && 'syscall' in error)) throw error;
    }
  };
  const endWatch = watchLogs(dirname(path), look);
  let isOpen = true;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    endWatch();
    look(); // last words
    reader.close(onLine);
  };
}
