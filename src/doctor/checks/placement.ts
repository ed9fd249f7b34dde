// Whether the state dir lies where it stays: cleaners, reboots and file systems on which a unix socket is no socket.
import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Config } from '../../core/config.ts';
import { appUser } from '../app-user.ts';
import { systemdUnits } from '../callers/systemd.ts';
import type { DoctorContext } from '../doctor.ts';
import { error, note, ok, type Remark, warning } from '../finding.ts';

/** statfs(2): f_type of file systems on which a socket file is not one, or not on every host. */
const REMOTE: Readonly<Record<number, string>> = {
  26985: 'NFS',
  4283649346: 'CIFS',
  4266872130: 'SMB',
  16914839: '9p',
  2020557398: 'a VirtualBox share',
};

export async function placement({ config }: DoctorContext): Promise<readonly Remark[]> {
  const directory = config.stateDir;
  const remarks = [...remoteFileSystem(directory), ...cleaned(directory), ...(await emptiedAtBoot(config))];
  return remarks.length > 0 ? remarks : [ok(`${directory} stays: no cleaner and no reboot empties it`)];
}

function remoteFileSystem(directory: string): readonly Remark[] {
  const kind = REMOTE[fileSystemOf(directory)];
  if (kind === undefined) return [];
  return [
    error(`${directory} is on ${kind}: unix sockets do not work there as on a local disk`, 'stateDir: /run/NAME'),
  ];
}

function fileSystemOf(directory: string): number {
  for (let path = directory; ; path = dirname(path)) {
    try {
      return Number(statfsSync(path).type) >>> 0;
    } catch (thrown) {
      if (path === dirname(path)) throw thrown; // the root itself
    }
  }
}

/** systemd-tmpfiles(8) removes what is older than the age of the entry above it; the same for /tmp where there is no systemd. */
function cleaned(directory: string): readonly Remark[] {
  const temporary = ['/tmp', '/var/tmp', '/dev/shm'].find((path) => isUnder(directory, path));
  if (temporary !== undefined)
    return [
      warning(
        `${directory} is under ${temporary}: cleaners remove old sockets there, and systemd may give nginx a ${temporary} of its own (PrivateTmp)`,
        'stateDir: /run/NAME, or a directory beside the app',
      ),
    ];
  const entry = tmpfilesEntries()
    .filter(({ age, path }) => age !== undefined && age !== '-' && isUnder(directory, path))
    .find(({ path }) => !tmpfilesEntries().some((other) => /^[xX]/.test(other.type) && isUnder(path, other.path)));
  if (entry === undefined) return [];
  return [
    warning(
      `${directory} is emptied of what is older than ${entry.age} by ${entry.file} (tmpfiles.d(5), ${entry.path})`,
      `a line "x ${directory}" in a file of /etc/tmpfiles.d, or another stateDir`,
    ),
  ];
}

/** /run is a tmpfs: somebody has to make the directory again, before a user who is not root can use it. */
async function emptiedAtBoot(config: Config): Promise<readonly Remark[]> {
  const directory = config.stateDir;
  if (!['/run', '/var/run'].some((path) => isUnder(directory, path)) || isUnder(directory, '/run/user')) return [];
  const made = tmpfilesEntries().find(({ type, path }) => /^[dD]/.test(type) && isUnder(directory, path));
  if (made !== undefined) return [ok(`${directory} is made again at boot by ${made.file}`), FORGETS];
  const unit = (await systemdUnits(config)).find(({ makes }) => makes.some((path) => isUnder(directory, path)));
  if (unit !== undefined) return [ok(`${directory} is made again by ${unit.name}`), FORGETS];
  const { uid, gid, name } = await appUser(config);
  if (uid === 0) return [note(`${directory} is gone after a reboot; the next keepalive makes it again`), FORGETS];
  return [
    warning(
      `${directory} is gone after a reboot, and ${name} may not make it again in /run`,
      `as root: echo 'd ${directory} 0750 ${name} ${config.socketGroup ?? gid} -' > /etc/tmpfiles.d/graceful-${config.name}.conf; or RuntimeDirectory= of a systemd unit`,
    ),
    FORGETS,
  ];
}

const FORGETS = note(
  'a reboot forgets what is in it: an app that was stopped with `stop --all` comes up, from what is on disk then',
  'a stateDir on a disk, where that matters',
);

interface TmpfilesEntry {
  readonly type: string;
  readonly path: string;
  readonly age: string | undefined;
  readonly file: string;
}

/** A file in /etc hides the one of the same name in /usr/lib: tmpfiles.d(5). */
function tmpfilesEntries(): readonly TmpfilesEntry[] {
  const files = new Map<string, string>();
  for (const directory of ['/usr/lib/tmpfiles.d', '/run/tmpfiles.d', '/etc/tmpfiles.d'])
    for (const file of list(directory)) if (file.endsWith('.conf')) files.set(file, join(directory, file));
  return [...files.values()].flatMap((file) =>
    readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => /^[a-zA-Z]/.test(line))
      .map((line) => {
        const [type = '', path = '', , , , age] = line.trim().split(/\s+/);
        return { type, path, age, file };
      }),
  );
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // no systemd here
  }
}

const isUnder = (path: string, above: string): boolean =>
  path === above || path.startsWith(above.endsWith('/') ? above : `${above}/`);
