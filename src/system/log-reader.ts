// The lines of a log that somebody else appends to, over rotation: renamed, the old file is read on until there is
// something in the new one (its writer keeps it open); emptied (copytruncate), it is read from its beginning.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { StringDecoder } from 'node:string_decoder';
import { isErrno } from './atomic-file.ts';

const CHUNK_BYTES = 64 * 1024;
/** Where to begin is looked for no further back than this: a log without line breaks is not read to its beginning. */
const TAIL_BYTES = 16 * 1024 * 1024;

export class LogReader {
  readonly #path: string;
  readonly #buffer = Buffer.alloc(CHUNK_BYTES);
  #file: number | null;
  #position = 0;
  #rest = '';
  #decoder = new StringDecoder('utf8');

  /** Begins `lines` before the end. The file need not be there yet. */
  constructor(path: string, lines: number) {
    this.#path = path;
    this.#file = openIfPresent(path);
    if (this.#file !== null) this.#position = startOfTail(this.#file, lines);
  }

  /** Hands over the whole lines written since the last call. */
  read(onLine: (line: string) => void): void {
    this.#file ??= openIfPresent(this.#path);
    if (this.#file === null) return;
    this.#drain(this.#file, onLine);
    if (!this.#hasSuccessor(this.#file)) return;
    this.#drain(this.#file, onLine); // its last words
    this.close(onLine);
    this.#position = 0;
    this.#file = openIfPresent(this.#path);
    if (this.#file !== null) this.#drain(this.#file, onLine);
  }

  /** A last line without its line break is handed over too. */
  close(onLine: (line: string) => void): void {
    if (this.#file !== null) closeSync(this.#file);
    this.#file = null;
    this.#begin(onLine);
  }

  #drain(file: number, onLine: (line: string) => void): void {
    const { size } = fstatSync(file);
    if (size < this.#position) {
      // Of a line that was cut in two only the end is still to come.
      this.#position = 0;
      this.#begin(() => undefined);
    }
    while (this.#position < size) {
      const bytes = readSync(file, this.#buffer, 0, CHUNK_BYTES, this.#position);
      if (bytes === 0) return;
      this.#position += bytes;
      const lines = (this.#rest + this.#decoder.write(this.#buffer.subarray(0, bytes))).split('\n');
      this.#rest = lines.pop() ?? '';
      for (const line of lines) onLine(line);
      // A line without an end does not fill the memory.
      if (this.#rest.length > CHUNK_BYTES) {
        onLine(this.#rest);
        this.#rest = '';
      }
    }
  }

  #begin(onLine: (line: string) => void): void {
    const last = this.#rest + this.#decoder.end();
    this.#rest = '';
    this.#decoder = new StringDecoder('utf8');
    if (last !== '') onLine(last);
  }

  #hasSuccessor(file: number): boolean {
    const now = statSync(this.#path, { throwIfNoEntry: false });
    const { dev, ino } = fstatSync(file);
    return now !== undefined && now.size > 0 && (now.dev !== dev || now.ino !== ino);
  }
}

function openIfPresent(path: string): number | null {
  try {
    // A FIFO of that name would make us wait for somebody who writes.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
    if (fstatSync(file).isFile()) return file;
    closeSync(file);
    return null;
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENXIO')) return null;
    throw error;
  }
}

/** Offset of the last `lines` lines, looked for from the end: the log may have gigabytes. */
function startOfTail(file: number, lines: number): number {
  const { size } = fstatSync(file);
  if (lines === 0) return size;
  const buffer = Buffer.alloc(CHUNK_BYTES);
  let found = 0;
  let end = size;
  while (end > 0 && size - end < TAIL_BYTES) {
    const start = Math.max(0, end - CHUNK_BYTES);
    const bytes = readSync(file, buffer, 0, end - start, start);
    for (let index = bytes - 1; index >= 0; index -= 1) {
      // The line break at the very end ends the last line and begins none.
      if (buffer[index] !== 0x0a || start + index === size - 1) continue;
      found += 1;
      if (found === lines) return start + index + 1;
    }
    end = start;
  }
  return end;
}
