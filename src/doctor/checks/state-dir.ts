// The state dir itself: whose it is, and who may write to it.
import { accessSync, constants, lstatSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Config } from '../../core/config.ts';
import type { DoctorContext } from '../doctor.ts';
import { error, note, ok, type Remark, warning } from '../finding.ts';

export function stateDir({ config }: DoctorContext): readonly Remark[] {
  const directory = config.stateDir;
  const found = lstatSync(directory, { throwIfNoEntry: false });
  if (found === undefined) return [missing(config)];
  if (!found.isDirectory()) return [error(`${directory} is not a directory`, `rm ${directory}`)];
  const user = process.geteuid?.() ?? found.uid;
  if (found.uid !== user && user !== 0)
    return [
      error(
        `${directory} belongs to user ${found.uid}, and this is user ${user}: commands will be refused`,
        `run graceful as user ${found.uid}, or: chown ${user} ${directory}`,
      ),
    ];
  if ((found.mode & 0o002) !== 0)
    return [error(`${directory} is writable for everybody: commands will be refused`, `chmod 0750 ${directory}`)];
  if ((found.mode & 0o020) !== 0)
    return [
      warning(
        `${directory} is writable for group ${found.gid}: who is in it can replace the sockets and the link`,
        `chmod g-w ${directory}`,
      ),
    ];
  const mode = `mode ${(found.mode & 0o7777).toString(8).padStart(4, '0')}`;
  // As root one looks, and somebody else deploys.
  return found.uid === user
    ? [ok(`${directory} is ours, ${mode}`)]
    : [note(`${directory} is user ${found.uid}'s, ${mode}: the other commands are for that user to run, not for root`)];
}

function missing({ stateDir: directory, socketGroup }: Config): Remark {
  let parent = dirname(directory);
  while (lstatSync(parent, { throwIfNoEntry: false }) === undefined) parent = dirname(parent);
  try {
    accessSync(parent, constants.W_OK | constants.X_OK);
    return note(`${directory} is not there yet: the first start makes it`);
  } catch {
    const user = process.geteuid?.() ?? 0;
    return error(
      `${directory} is not there, and user ${user} may not make it in ${parent}`,
      `as root: install -d -m 0750 -o ${user} -g ${socketGroup ?? process.getegid?.() ?? user} ${directory}`,
    );
  }
}
