// Another user of the same machine, by number: nobody has to be created for that.
import { type ChildProcess, spawn } from 'node:child_process';
import { lchownSync } from 'node:fs';
import { need } from '../../rig/requirements.ts';

export const NEIGHBOUR = 12_345;

export const give = (path: string, user = NEIGHBOUR): void => lchownSync(path, user, user);

/** argv that runs a program as that user, with no group of ours. */
export const as = (user: number, ...argv: readonly string[]): readonly string[] => [
  need('setpriv'),
  `--reuid=${user}`,
  `--regid=${user}`,
  '--clear-groups',
  ...argv,
];

/** A process of theirs (or, with user 0, of ours) that leads a session, as a backend does; or does not. */
export function startProcess(user: number, isLeader: boolean): ChildProcess {
  const [program = '', ...args] = as(user, '/bin/sleep', '100000');
  return spawn(program, args, { detached: isLeader, stdio: 'ignore', env: { PATH: process.env['PATH'] } });
}
