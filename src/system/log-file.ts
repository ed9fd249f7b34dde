// A backend's stdout and stderr, appended to one file per slot.
import { open } from 'node:fs/promises';
import { isErrno } from './atomic-file.ts';

const TAIL_BYTES = 16 * 1024;

/** Where the log ends now: what a backend says from here on is its own. */
export async function logSize(path: string): Promise<number> {
  try {
    await using file = await open(path, 'r');
    return (await file.stat()).size;
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return 0;
    throw error;
  }
}

/** The last lines written since `from`, at most `count`. */
export async function tailLog(path: string, from: number, count = 20): Promise<readonly string[]> {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const start = Math.max(from > size ? 0 : from, size - TAIL_BYTES);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - start), 0, size - start, start);
    const lines = buffer.toString('utf8', 0, bytesRead).split('\n');
    if (lines.at(-1) === '') lines.pop();
    return lines.slice(-count);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}
