// The link NAME.socket: the one symlink that the proxy connects to. It is only ever replaced by rename(2), which is one
// atomic step: unlink and symlink would lose connects in between.
import { lstatSync, readlinkSync, renameSync, symlinkSync } from 'node:fs';
import { basename } from 'node:path';
import { fail } from '../core/failure.ts';
import { SLOTS, type Slot } from '../core/slot.ts';
import { isErrno, removeFile, removeIfPossible, tempPathFor } from './atomic-file.ts';
import { kindOf } from './file-kind.ts';
import type { StatePaths } from './state-paths.ts';

export interface LinkState {
  readonly path: string;
  /** As readlink(2) gives it; null where there is no link. */
  readonly target: string | null;
  /** The slot that it leads to. */
  readonly slot: Slot | null;
  /** When it was last repointed, milliseconds since the epoch. */
  readonly since: number | null;
}

export interface Link {
  /** @throws `link-not-ours` when the path holds something else than a symlink. */
  read(): LinkState;
  point(slot: Slot): void;
  remove(): void;
}

export function openLink(paths: StatePaths): Link {
  return {
    read: () => readLink(paths),
    point(slot) {
      readLink(paths); // refuses to replace what is not ours
      const temp = tempPathFor(paths.link);
      // A relative target survives a move of the directory, a chroot and a container's mount.
      symlinkSync(basename(paths.slots[slot].socket), temp);
      try {
        renameSync(temp, paths.link);
      } catch (error) {
        removeIfPossible(temp);
        throw error;
      }
    },
    remove() {
      readLink(paths);
      removeFile(paths.link);
    },
  };
}

/** The socket of the slot that the link leads to; null where it leads to none. */
export function servingSocket(paths: StatePaths): string | null {
  const { slot } = readLink(paths);
  return slot === null ? null : paths.slots[slot].socket;
}

function readLink(paths: StatePaths): LinkState {
  const path = paths.link;
  try {
    const stat = lstatSync(path);
    if (!stat.isSymbolicLink()) {
      const found = kindOf(stat);
      throw fail(
        'link-not-ours',
        `${path} should be graceful's link and is ${found}; move it away if nothing needs it (a backend must bind {socket}, never the link)`,
        { path, found },
      );
    }
    const target = readlinkSync(path);
    // By the file's name: an absolute target, or one from before the directory was moved, means the same slot.
    const slot = SLOTS.find((candidate) => basename(paths.slots[candidate].socket) === basename(target)) ?? null;
    return { path, target, slot, since: stat.mtimeMs };
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return { path, target: null, slot: null, since: null };
    throw error;
  }
}
