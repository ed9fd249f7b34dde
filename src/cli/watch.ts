// `status --watch`: on a terminal the table is redrawn in place; in a pipe, or as JSON, one report follows the other.
import { setTimeout as delay } from 'node:timers/promises';
import type { StatusReport } from '../core/status.ts';
import { type OutputStream, outputTo } from './output.ts';
import { statusFormat } from './show-status.ts';

export interface WatchOptions {
  readonly read: () => Promise<StatusReport>;
  readonly intervalMs: number;
  readonly stdout: OutputStream;
  /** Ends the watch. */
  readonly signal: AbortSignal;
  readonly json?: boolean;
  readonly colour?: boolean;
  /** Waits between two looks; resolves early when the signal is aborted. */
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<void>;
}

/**
 * Shows reports until the signal is aborted or nobody reads any more.
 *
 * @returns the last report, null if there was none.
 * @throws whatever `read` throws; the terminal is given back first.
 */
export const watchStatus = async ({
  read,
  intervalMs,
  stdout: stream,
  signal,
  json = false,
  colour = false,
  pause = pauseUnlessAborted,
}: WatchOptions): Promise<StatusReport | null> => {
  const stdout = outputTo(stream);
  const inPlace = stream.isTTY === true && !json;
  const format = statusFormat({ json, colour, stdout });
  let last: StatusReport | null = null;
  if (inPlace) stdout.write(HIDE_CURSOR);
  try {
    let drawnLines = 0;
    while (!signal.aborted && !stdout.isBroken()) {
      last = await read();
      const text = format(last);
      // Up over the last table, then each line and the rest of the screen erased as it is overwritten: no flicker.
      stdout.write(
        inPlace ? `${upBy(drawnLines)}${text.replaceAll('\n', `${ERASE_TO_LINE_END}\n`)}${ERASE_BELOW}` : text,
      );
      drawnLines = text.split('\n').length - 1;
      await pause(intervalMs, signal);
    }
  } finally {
    if (inPlace) stdout.write(SHOW_CURSOR);
  }
  return last;
};

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const ERASE_TO_LINE_END = '\u001b[K';
const ERASE_BELOW = '\u001b[J';

const upBy = (lines: number): string => (lines === 0 ? '' : `\r\u001b[${lines}A`);

const pauseUnlessAborted = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await delay(ms, undefined, { signal });
  } catch (error) {
    // AbortError: the watch is over, which is no failure.
    if (!signal.aborted) throw error;
  }
};
