// The sockets that a process holds open: inode numbers from /proc/<pid>/fd, as `socket:[12345]`.
import { readdirSync, readlinkSync } from 'node:fs';
import { isErrno } from '../atomic-file.ts';

export function socketInodesOf(pid: number): readonly string[] {
  const directory = `/proc/${pid}/fd`;
  try {
    return readdirSync(directory).flatMap((fd) => {
      const inode = /^socket:\[(\d+)\]$/.exec(readTarget(`${directory}/${fd}`))?.[1];
      return inode === undefined ? [] : [inode];
    });
  } catch (error) {
    // Gone meanwhile, or another user's.
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return [];
    throw error;
  }
}

function readTarget(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ESRCH', 'EACCES', 'EPERM')) return '';
    throw error;
  }
}
