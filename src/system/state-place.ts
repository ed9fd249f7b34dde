// Whether a state dir is where nobody else can put things into it, or another directory in its place. Asked by every command.
import { lstatSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { fail } from '../core/failure.ts';
import { isInContainer } from './processes/identity.ts';

const OTHERS_MAY_WRITE = 0o002;
const STICKY = 0o1000;

/**
 * One that does not exist yet is fine.
 * @throws `state-dir` when it is not a directory, or when everybody may write to it or may replace it.
 */
export function assertSafePlace(dir: string): void {
  const found = lstatSync(dir, { throwIfNoEntry: false });
  if (found !== undefined && !found.isDirectory()) throw refuse(dir, 'is not a directory', 'a directory');
  if (found !== undefined && (found.mode & OTHERS_MAY_WRITE) !== 0)
    throw refuse(
      dir,
      `is writable for everybody (mode ${modeOf(found)})`,
      'one that only its owner and group may write to, as after `chmod 0750`',
    );
  for (let parent = dirname(dir); ; parent = dirname(parent)) {
    const above = lstatSync(parent, { throwIfNoEntry: false });
    if (above !== undefined && (above.mode & (OTHERS_MAY_WRITE | STICKY)) === OTHERS_MAY_WRITE && !isInContainer())
      throw refuse(
        dir,
        `lies in ${parent}, where everybody may replace it (mode ${modeOf(above)})`,
        'a place that only its owner and group may write to, or one with the sticky bit, as after `chmod +t`',
      );
    if (parent === dirname(parent)) return;
  }
}

const modeOf = ({ mode }: Stats): string => (mode & 0o7777).toString(8).padStart(4, '0');

const refuse = (dir: string, found: string, expected: string) =>
  fail('state-dir', `state dir ${dir} ${found}; expected ${expected}`, { path: dir, found, expected });
