// A group's number by its name, from group(5): Node has no getgrnam(3).
import { readFile } from 'node:fs/promises';
import { fail } from '../core/failure.ts';

/** @throws `config` when there is no such group. */
export async function groupId(group: string): Promise<number> {
  if (/^\d+$/.test(group)) return Number(group);
  const entry = (await readFile('/etc/group', 'utf8')).split('\n').find((line) => line.startsWith(`${group}:`));
  const id = entry?.split(':')[2];
  if (id === undefined)
    throw fail('config', `socketGroup: found "${group}", expected a group listed in /etc/group`, {
      file: null,
      problems: [{ key: 'socketGroup', found: `"${group}"`, expected: 'a group listed in /etc/group' }],
    });
  return Number(id);
}
