// Writing that cannot fail: a reader that went away must not stop an operation half way.
import { writeSync } from 'node:fs';
import { isatty } from 'node:tty';

/** The part of a writable stream that is used, so that a test can stand in for it. */
export interface OutputStream {
  write(text: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Undefined unless it is a terminal; changes with its window. */
  readonly columns?: number | undefined;
  readonly isTTY?: boolean | undefined;
}

export interface Output {
  readonly write: (text: string) => void;
  /** Nobody reads any more: whatever only produces output may stop. */
  readonly isBroken: () => boolean;
  /** Columns of the terminal, Infinity if it is none. */
  readonly width: () => number;
}

/**
 * Wraps a stream. EPIPE (`| head`), EIO (the terminal hung up, ssh gone) and ENOSPC come as an event or, on files and
 * terminals, which are written synchronously, may be thrown. Either way the rest is dropped: the exit code still tells.
 */
export const outputTo = (stream: OutputStream): Output => {
  let broken = false;
  stream.on('error', () => {
    broken = true;
  });
  return {
    write: (text) => {
      if (broken) return;
      try {
        stream.write(text);
      } catch {
        broken = true;
      }
    },
    isBroken: () => broken,
    width: () =>
      stream.isTTY === true && stream.columns !== undefined && stream.columns > 0
        ? stream.columns
        : Number.POSITIVE_INFINITY,
  };
};

/**
 * Standard output for one short answer, written without opening process.stdout, which costs two milliseconds; that takes
 * over where it has to (a pipe that is full and does not block: EAGAIN).
 */
export const standardOutput: OutputStream = {
  write(text) {
    let rest = Buffer.from(text);
    try {
      while (rest.length > 0) rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EAGAIN')) throw error;
      process.stdout.write(rest);
    }
  },
  on: () => undefined,
  get isTTY() {
    return isatty(1);
  },
  get columns() {
    return isatty(1) ? process.stdout.columns : undefined;
  },
};
