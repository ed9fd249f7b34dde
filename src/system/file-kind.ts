// What stands at a path, in words.
import type { Stats } from 'node:fs';

export function kindOf(stat: Stats): string {
  if (stat.isSymbolicLink()) return 'a symbolic link';
  if (stat.isDirectory()) return 'a directory';
  if (stat.isSocket()) return 'a socket';
  if (stat.isFIFO()) return 'a FIFO';
  return stat.isFile() ? 'a file' : 'a device';
}
