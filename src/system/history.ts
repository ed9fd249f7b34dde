// The history on disk: one line of JSON per entry, appended in one write(2). Two files at most: beyond a megabyte the
// file becomes the older one, and the former older one goes.
import { closeSync, constants, fstatSync, openSync, readSync, renameSync, statSync, writeSync } from 'node:fs';
import type { HistoryEntry } from '../core/history.ts';
import { isOwn, readIfPresent } from './atomic-file.ts';
import { enterGate } from './gate.ts';
import { parseEntry } from './history-entry.ts';
import type { StatePaths } from './state-paths.ts';

const FULL_BYTES = 1024 * 1024;
/** What is much larger is nothing that we wrote. */
const MAX_BYTES = 4 * FULL_BYTES;
// O_APPEND: writers of other processes do not overwrite each other. The others: see atomic-file.ts.
const APPEND_FLAGS =
  constants.O_APPEND | constants.O_CREAT | constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Appends an entry. @throws whatever the file system says: the caller tells it and goes on. */
export async function appendHistory(paths: StatePaths, entry: HistoryEntry): Promise<void> {
  await rotateIfFull(paths);
  const file = openSync(paths.history, APPEND_FLAGS, 0o640);
  try {
    const stat = fstatSync(file);
    if (!stat.isFile() || !isOwn(stat)) throw new Error(`${paths.history} is not a file of this user's`);
    const line = Buffer.from(`${endsTorn(file) ? '\n' : ''}${JSON.stringify(entry)}\n`);
    if (writeSync(file, line) < line.length)
      throw new Error(`${paths.history} was only partly written: is the disk full?`);
  } finally {
    closeSync(file);
  }
}

export interface History {
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** Lines that are no entries, as a power loss or a full disk leaves them. */
  readonly unreadable: number;
}

export function readHistory(paths: StatePaths): History {
  const lines = [paths.historyOlder, paths.history]
    .flatMap((path) => (readIfPresent(path, MAX_BYTES) ?? '').split('\n'))
    .filter((line) => line !== '');
  const entries = lines.flatMap((line) => parseEntry(line) ?? []);
  return { entries, unreadable: lines.length - entries.length };
}

/** In a gate of its own: of two processes that find the file full, the second must not put a new one in the older one's place. */
async function rotateIfFull(paths: StatePaths): Promise<void> {
  if (!isFull(paths.history)) return;
  await using gate = await enterGate({ ...paths, lock: paths.history });
  if (gate !== null && isFull(paths.history)) renameSync(paths.history, paths.historyOlder);
}

const isFull = (path: string): boolean => (statSync(path, { throwIfNoEntry: false })?.size ?? 0) >= FULL_BYTES;

/** Whether the last line has no end: a new one would become part of it. */
function endsTorn(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}
