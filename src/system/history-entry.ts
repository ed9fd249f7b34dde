// A line of the history as an entry.
import type { HistoryEntry } from '../core/history.ts';
import { isSlot } from '../core/slot.ts';
import { isObject, isText, isTextOrNull, isTime, parseObject } from './stored-values.ts';

/** Whole, or not an entry: whoever prints it relies on each of its fields. */
export function parseEntry(line: string): HistoryEntry | null {
  const entry = parseObject(line);
  if (entry === null) return null;
  const { at, ms, operation, result, code, reason, from, to, started, stopped, release, after, by, host } = entry;
  const isEntry =
    isTime(at) &&
    typeof ms === 'number' &&
    [operation, host].every(isText) &&
    isResult(result) &&
    [code, reason, release].every(isTextOrNull) &&
    [from, to].every((slot) => slot === null || isSlot(slot)) &&
    [started, stopped].every((slots) => Array.isArray(slots) && slots.every(isSlot)) &&
    (after === null || (isObject(after) && isTextOrNull(after['operation']))) &&
    isCaller(by);
  return isEntry ? (entry as unknown as HistoryEntry) : null;
}

const isCaller = (by: unknown): boolean =>
  isObject(by) && [by['user'], by['sudoUser'], by['via']].every(isTextOrNull) && isText(by['command']);

const isResult = (value: unknown): boolean => value === 'done' || value === 'failed' || value === 'refused';
