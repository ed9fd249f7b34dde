// `log: inherit`: what the backends write, on the supervisor's stdout too, each line with its app and slot. The backends
// still write to their files, and we follow those: a pipe to us would break, and them with it, when we are killed.
import { closeSync, fstatSync, openSync, readSync, watch } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { SLOTS, type Slot } from '../../core/slot.ts';
import type { AppSystem } from '../../system/app-system.ts';
import { isErrno } from '../../system/atomic-file.ts';

/** Hears each line that a backend writes, where `log` is `inherit`. */
export type OutputListener = (app: string, slot: Slot, line: string) => void;

const CHUNK_BYTES = 64 * 1024;

/** Follows the logs of both slots where the configuration asks for it; returns how to stop. */
export function relayLogs({ config, paths }: AppSystem, onOutput: OutputListener): () => void {
  if (config.log !== 'inherit') return () => undefined;
  const ends = SLOTS.map((slot) => followLog(paths.slots[slot].log, (line) => onOutput(config.name, slot, line)));
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

/** Follows a log from its end, over truncation (logrotate's copytruncate) too; returns how to stop. */
export function followLog(path: string, onLine: (line: string) => void): () => void {
  // Created if missing: what is not there cannot be watched.
  const file = openSync(path, 'a+', 0o640);
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let position = fstatSync(file).size;
  let rest = '';
  let decoder = new StringDecoder('utf8');
  const read = (): void => {
    const { size } = fstatSync(file);
    if (size < position) {
      // truncated
      position = 0;
      rest = '';
      decoder = new StringDecoder('utf8');
    }
    while (position < size) {
      const bytes = readSync(file, buffer, 0, CHUNK_BYTES, position);
      if (bytes === 0) break;
      position += bytes;
      const lines = (rest + decoder.write(buffer.subarray(0, bytes))).split('\n');
      rest = (lines.pop() ?? '').slice(-CHUNK_BYTES); // a line without an end does not fill the memory
      for (const line of lines) onLine(line);
    }
  };
  const readIfThere = (): void => {
    try {
      read();
    } catch (error) {
      if (!isErrno(error, 'EIO', 'ESTALE')) throw error; // a file system that went away takes the log with it
    }
  };
  const watcher = watch(path, readIfThere);
  let isOpen = true;
  return () => {
    if (!isOpen) return;
    isOpen = false;
    watcher.close();
    readIfThere(); // last words
    closeSync(file);
  };
}
