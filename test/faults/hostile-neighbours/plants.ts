// What a neighbour may put in the place of one of our files, and how to tell afterwards that nothing of it was touched.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { linkSync, lstatSync, mkdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { give } from './neighbour.ts';

export interface Plant {
  readonly what: string;
  /** Made by the neighbour unless said otherwise. */
  readonly byUs?: boolean;
  /** Puts it at `path`; `precious` is a file that a link leads to. */
  make(path: string, precious: string): void;
}

const theirs = (what: string, make: Plant['make']): Plant => ({
  what: `${what} of another user`,
  make(path, precious) {
    make(path, precious);
    give(path);
  },
});
const ours = (what: string, make: Plant['make']): Plant => ({ what, byUs: true, make });

const symlink = (path: string, precious: string): void => symlinkSync(precious, path);
const dangling = (path: string): void => symlinkSync('nowhere', path);
const fifo = (path: string): void => void execFileSync('mkfifo', ['-m', '666', path]);
const directory = (path: string): void => {
  mkdirSync(path);
  writeFileSync(join(path, 'inside'), 'inside');
};
const device = (minor: number) => (path: string) =>
  void execFileSync('mknod', ['-m', '666', path, 'c', '1', String(minor)]);
const socket = (path: string): void =>
  void execFileSync('python3', ['-c', 'import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])', path]);

export const PLANTS: readonly Plant[] = [
  theirs('a symbolic link', symlink),
  theirs('a symbolic link to nothing', dangling),
  theirs('a FIFO', fifo),
  theirs('a directory', directory),
  theirs('a device (zero)', device(5)),
  theirs('a device (full)', device(7)),
  theirs('a socket', socket),
  theirs('a file', (path) => writeFileSync(path, '{"desired":"down"}\n')),
  {
    what: 'a hard link to a file of another user',
    make(path, precious) {
      give(precious);
      linkSync(precious, path);
    },
  },
  ours('a FIFO', fifo),
  ours('a directory', directory),
  ours('a symbolic link', symlink),
  ours('a device (zero)', device(5)),
  ours('a socket', socket),
  ours('a file of 3 GiB', (path) => {
    writeFileSync(path, '');
    truncateSync(path, 3 * 2 ** 30);
  }),
];

/** Each name in the state dir that is written or read, and what ours is there. */
export const NAMES = {
  'app.desired.json': 'a file',
  'app.versions.json': 'a file',
  'app.history.jsonl': 'a history',
  'app.lock-holder.json': 'a file',
  'app.hook.json': 'a file',
  'app-a.pid': 'a file',
  'app-b.pid': 'a file',
  'app-a.backend.json': 'a file',
  'app-b.backend.json': 'a file',
  'app-a.log': 'a log',
  'app-b.log': 'a log',
  'app.lock': 'a directory',
  'app.control': 'a socket',
  'app.socket': 'the link',
  'app-a.socket': 'a slot',
  'app-b.socket': 'a slot',
} as const;

export type Name = keyof typeof NAMES;

/** Whether every command that takes the lock has to refuse it with `state-dir`. */
export function mustBeRefused(name: Name, { what, byUs = false }: Plant): boolean {
  const ours = NAMES[name];
  if (ours === 'a slot') return false; // refused by whoever needs the slot
  if (ours === 'a history') return false; // told, and left as it is
  if (!byUs) return true;
  if (ours === 'the link') return false; // `link-not-ours`, or a link like any other
  if (ours === 'a log') return what === 'a FIFO' || what === 'a directory' || what === 'a socket';
  if (what === 'a file of 3 GiB') return ours !== 'a file'; // refused when it is read
  return what !== ours;
}

export interface Fingerprint {
  readonly path: string;
  readonly seen: string;
}

/** Kind, rights, owner and content, as they are now. */
export function fingerprint(path: string): Fingerprint {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return { path, seen: 'nothing' };
  const content = stat.isFile() && stat.size < 4096 ? readFileSync(path, 'utf8') : `${stat.size} bytes`;
  return { path, seen: `${stat.ino} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${content}` };
}

export function assertUntouched(before: Fingerprint): void {
  assert.equal(fingerprint(before.path).seen, before.seen, `overwritten: ${before.path}`);
}
