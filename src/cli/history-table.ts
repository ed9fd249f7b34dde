// The history as a table, oldest first: the newest stands right above the prompt.
import pc from 'picocolors';
import type { Caller, HistoryEntry, HistoryResult } from '../core/history.ts';
import { shortRelease } from './short-release.ts';
import { pad, printable, truncate, visibleWidth } from './text.ts';
import { humanDuration } from './units.ts';

export interface HistoryTableOptions {
  readonly colour: boolean;
  /** Columns of the terminal, Infinity if it is none. */
  readonly width: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
}

const TITLES = ['WHEN', '', 'OPERATION', 'RESULT', 'TRAFFIC', 'RELEASE', 'TOOK', 'BY', 'WHAT'] as const;
const SEPARATOR = '  ';
const NONE = '-';
/** What happened is cut to the terminal's width, but to no less than this. */
const NARROWEST_WHAT = 30;

/** Text that ends with a newline. */
export const historyTable = (entries: readonly HistoryEntry[], { colour, width, now }: HistoryTableOptions): string => {
  const paint = pc.createColors(colour);
  const colours: Readonly<Record<HistoryResult, (text: string) => string>> = {
    done: paint.green,
    failed: paint.red,
    refused: paint.yellow,
  };
  // Each cell by itself: what stands in the file may not reach the terminal as a command to it.
  const rows = entries.map((entry) =>
    [
      localTime(entry.at),
      `${humanDuration(now - Date.parse(entry.at))} ago`,
      entry.operation,
      { paint: colours[entry.result], text: entry.result },
      traffic(entry),
      entry.release === null ? NONE : shortRelease(entry.release),
      humanDuration(entry.ms),
      who(entry.by),
      what(entry),
    ].map((cell) => (typeof cell === 'string' ? printable(cell) : cell.paint(cell.text))),
  );
  const widths = TITLES.map((title, column) =>
    Math.max(...[title, ...rows.map((row) => row[column] ?? '')].map(visibleWidth)),
  );
  const before = widths.slice(0, -1).reduce((sum, columns) => sum + columns + SEPARATOR.length, 0);
  const room = Math.max(NARROWEST_WHAT, width - before);
  const line = (cells: readonly string[]): string =>
    [...cells.slice(0, -1).map((cell, column) => pad(cell, widths[column] ?? 0)), truncate(cells.at(-1) ?? '', room)]
      .join(SEPARATOR)
      .trimEnd();
  return `${[paint.dim(line(TITLES)), ...rows.map(line)].join('\n')}\n`;
};

/** `2026-11-20 16:13:04`, in the time zone of whoever reads. */
const localTime = (iso: string): string => {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-');
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`;
};

const traffic = ({ from, to }: HistoryEntry): string =>
  from === to ? (to ?? NONE) : `${from ?? NONE} → ${to ?? NONE}`;

/** `deploy (anna by sudo), ssh`. */
const who = ({ user, sudoUser, via, command }: Caller): string => {
  const name = user === null ? command : sudoUser === null ? user : `${user} (${sudoUser} by sudo)`;
  return via === null ? name : `${name}, ${via}`;
};

const what = ({ reason, started, stopped, after, by }: HistoryEntry): string =>
  [
    ...(after === null ? [] : [`took over from ${after.operation ?? 'an operation'} that was killed`]),
    ...(started.length === 0 ? [] : [`started ${started.join(' and ')}`]),
    ...(stopped.length === 0 ? [] : [`stopped ${stopped.join(' and ')}`]),
    ...(reason === null ? [] : [reason]),
    by.command,
  ].join('; ');
