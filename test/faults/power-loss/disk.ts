// A state dir as a model: what effects make of it, what a power loss leaves of it, and how it comes back into being.

import { once } from 'node:events';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Effect } from './effects.ts';

export type Entry =
  | { readonly type: 'file'; readonly text: string; readonly isSafe: boolean }
  | { readonly type: 'symlink'; readonly target: string }
  | { readonly type: 'directory' | 'socket' };

/** By name; null where the state dir itself is not there. */
export type Disk = ReadonlyMap<string, Entry> | null;

export function readDisk(stateDir: string): Disk {
  try {
    return new Map(readdirSync(stateDir).map((name) => [name, readEntry(join(stateDir, name))]));
  } catch {
    return null; // ENOENT
  }
}

function readEntry(path: string): Entry {
  const stat = lstatSync(path);
  if (stat.isSymbolicLink()) return { type: 'symlink', target: readlinkSync(path) };
  if (stat.isDirectory()) return { type: 'directory' };
  if (stat.isSocket()) return { type: 'socket' };
  return { type: 'file', text: readFileSync(path, 'utf8'), isSafe: true };
}

export function apply(disk: Disk, effect: Effect): Disk {
  if (effect.name === '.') return effect.type === 'mkdir' ? new Map() : disk;
  const next = new Map(disk);
  const entry = next.get(effect.name);
  switch (effect.type) {
    case 'mkdir':
      return next.set(effect.name, { type: 'directory' });
    case 'create':
      return entry === undefined ? next.set(effect.name, { type: 'file', text: '', isSafe: false }) : next;
    case 'bind':
      return next.set(effect.name, { type: 'socket' });
    case 'symlink':
      return next.set(effect.name, { type: 'symlink', target: effect.target });
    case 'write':
      return next.set(effect.name, { type: 'file', text: textOf(entry) + effect.text, isSafe: false });
    case 'fsync':
      return next.set(effect.name, { type: 'file', text: textOf(entry), isSafe: true });
    case 'rmdir':
    case 'unlink':
      next.delete(effect.name);
      return next;
    case 'rename':
      next.delete(effect.name);
      return entry === undefined ? next : next.set(effect.to, entry);
  }
}

const textOf = (entry: Entry | undefined): string => (entry?.type === 'file' ? entry.text : '');

/** What may be found after the power came back. */
export interface Found {
  readonly how: string;
  readonly disk: Disk;
}

/** Every state that a power loss after `count` of the effects may leave. */
export function foundAfter(before: Disk, effects: readonly Effect[], count: number): readonly Found[] {
  const done = effects.slice(0, count);
  const whole = done.reduce(apply, before);
  const found: Found[] = [{ how: 'all of it', disk: whole }];
  const last = done.findLastIndex(({ type }) => type === 'rename');
  if (last !== -1) {
    const others = done.filter((_, index) => index !== last);
    // A file system may keep what came after a rename and lose the rename itself.
    found.push({ how: 'without the last rename', disk: others.reduce(apply, before) });
  }
  for (const [name, entry] of whole ?? []) {
    // Written and never synced: the name may be there before the data is.
    if (entry.type !== 'file' || entry.isSafe || entry.text === '') continue;
    const as = (text: string): Disk => new Map(whole).set(name, { ...entry, text });
    found.push({ how: `${plain(name)} empty`, disk: as('') });
    found.push({ how: `${plain(name)} cut off`, disk: as(entry.text.slice(0, entry.text.length / 2)) });
    found.push({ how: `${plain(name)} of zeros`, disk: as('\0'.repeat(entry.text.length)) });
  }
  return found;
}

export const plain = (name: string): string => name.replace(/\.[0-9a-f]{12}\.tmp$/, '.tmp');

/** Two states that are the same but for the names of temp files. */
export const signatureOf = (disk: Disk): string =>
  JSON.stringify(disk === null ? null : [...disk].map(([name, entry]) => [plain(name), entry]).sort());

/** Makes the directory what the model says; `rewrite` turns the texts into those of another place and time. */
export async function restore(disk: Disk, stateDir: string, rewrite: (text: string) => string): Promise<void> {
  if (disk === null) return;
  mkdirSync(stateDir, { mode: 0o750 });
  for (const [name, entry] of disk) {
    const path = join(stateDir, name);
    if (entry.type === 'file') writeFileSync(path, rewrite(entry.text), { mode: 0o640 });
    else if (entry.type === 'symlink') symlinkSync(entry.target, path);
    else if (entry.type === 'directory') mkdirSync(path);
    else await leaveSocket(path);
  }
}

/** A socket that nobody listens at: Node removes it by the name under which it was bound. */
async function leaveSocket(path: string): Promise<void> {
  const server = createServer().listen(`${path}.bound`);
  await once(server, 'listening');
  renameSync(`${path}.bound`, path);
  chmodSync(path, 0o660);
  server.close();
  await once(server, 'close');
}
