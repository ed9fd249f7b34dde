// How the newest update ended, from the end of the history: `status` asks, and is to cost the same for ever.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { HistoryEntry } from '../core/history.ts';
import type { LastUpdate } from '../core/status.ts';
import { isOwn } from './atomic-file.ts';
import { parseEntry } from './history-entry.ts';

/** Some forty entries. */
const RECENT_BYTES = 16 * 1024;

/** Null where the newest entries do not say, or cannot be read: the history makes no command fail. */
export function readLastUpdate(history: string): LastUpdate | null {
  const entries = recentLines(history).reverse().map(parseEntry);
  const last = entries.find((entry) => entry !== null && isUpdate(entry));
  if (last == null) return null;
  const { at, operation, result, code, reason } = last;
  return { at, operation, result, code, reason };
}

/** What decided which version serves. `restart`, `switch` and `keepalive` deploy nothing: after a failed update the old one goes on. */
const isUpdate = ({ operation, result, from, to }: HistoryEntry): boolean =>
  result !== 'refused' &&
  (operation === 'update' ||
    operation === 'rollback' ||
    (operation === 'start' && (result === 'failed' || from !== to)));

/** The first of them may be half of one, which is no entry. */
function recentLines(path: string): string[] {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return []; // none yet, just rotated, not for us to read, or planted
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || !isOwn(stat)) return [];
    const tail = Buffer.alloc(Math.min(RECENT_BYTES, stat.size));
    const length = readSync(file, tail, 0, tail.length, stat.size - tail.length);
    return tail.toString('utf8', 0, length).split('\n');
  } catch {
    return []; // EIO
  } finally {
    closeSync(file);
  }
}
