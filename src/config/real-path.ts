// Symlinks resolved as far as the path exists.
import { realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * The path with the symlinks of its deepest existing ancestor resolved, so that `/var/run/app` is `/run/app` before it is
 * made as well as afterwards: the kernel's socket table knows a socket by the very string that it was bound to.
 * Throws what realpath(3) throws, except ENOENT.
 */
export function realPathOfExisting(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const parent = dirname(path);
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || parent === path) throw error;
    return join(realPathOfExisting(parent), basename(path));
  }
}
