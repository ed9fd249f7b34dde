// What may be in a state dir: exactly the names that docs/state-dir.md has, and each file whole.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readIfPresent } from '../../../src/system/atomic-file.ts';
import { statePaths } from '../../../src/system/state-paths.ts';
import type { TestApp } from '../../rig/test-app.ts';

const { dir: _, slots, lock, lockHolder, hook, prepare, ...lasting } = statePaths('', '');
const LASTING = [lasting, slots.a, slots.b].flatMap((paths) => Object.values(paths));
/** There only while an operation is at work, or after it was killed. */
const PASSING = [lock, lockHolder, hook, prepare];
const TEMP = /\.[0-9a-f]{12}\.tmp$/;

/** `tidy`: the last operation took the lock and ended, so that nothing of a killed one may be left. */
export function strayFiles({ stateDir, name }: TestApp, tidy: boolean): readonly string[] {
  const known = new Set([...LASTING, ...(tidy ? [] : PASSING)].map((end) => `${name}${end}`));
  return list(stateDir).filter(
    (file) => !known.has(file) && (tidy || !(TEMP.test(file) && file.startsWith(`.${name}`))),
  );
}

/** Every state file that is there at all says something whole: none was ever half written under its own name. */
export function assertWhole({ stateDir, name }: TestApp): void {
  for (const file of list(stateDir)) {
    if (!file.startsWith(name)) continue;
    const path = join(stateDir, file);
    if (file.endsWith('.json')) {
      const text = readIfPresent(path);
      if (text !== null) assert.doesNotThrow(() => JSON.parse(text), `I7: ${file} is half written: ${text}`);
    } else if (file.endsWith('.pid')) {
      const text = readIfPresent(path);
      if (text !== null) assert.match(text, /^\d+\n$/, `I7: ${file} is half written`);
    }
  }
}

/** A record on disk, for the parts that the checks need. */
export interface SeenRecord {
  readonly pid: number;
  readonly startTicks: string;
  readonly instance: string;
  readonly readyAt: string | null;
  readonly stoppingAt: string | null;
}

export function recordOf({ stateDir, name }: TestApp, slot: 'a' | 'b'): SeenRecord | null {
  const text = readIfPresent(join(stateDir, `${name}-${slot}.backend.json`));
  return text === null ? null : (JSON.parse(text) as SeenRecord);
}

/** Whether exactly this process lives: the same start time, and no zombie. */
export function lives({ pid, startTicks }: Pick<SeenRecord, 'pid' | 'startTicks'>): boolean {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    const isOver = 'ZXx'.includes(fields[0] as string) && Number(fields[17]) <= 1;
    return !isOver && fields[19] === startTicks;
  } catch {
    return false; // ENOENT, ESRCH
  }
}

export function desiredOf({ stateDir, name }: TestApp): 'up' | 'down' {
  const text = readIfPresent(join(stateDir, `${name}.desired.json`));
  return text !== null && (JSON.parse(text) as { desired: string }).desired === 'down' ? 'down' : 'up';
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not made yet
  }
}
