// Whether nginx sees the same file system: PrivateTmp, ProtectHome, a chroot or a container give it another one.
import { statSync } from 'node:fs';
import type { DoctorContext } from '../doctor.ts';
import { error, ok, type Remark } from '../finding.ts';

export function proxyView({ config, nginx }: DoctorContext): readonly Remark[] {
  const pid = nginx.masterPid;
  const ours = statSync(config.stateDir, { throwIfNoEntry: false });
  if (pid === null || ours === undefined || process.geteuid?.() !== 0) return [];
  // /proc/<pid>/root is the root directory of that process, in its own mount namespace: proc_pid_root(5).
  const theirs = statSync(`/proc/${pid}/root${config.stateDir}`, { throwIfNoEntry: false });
  if (theirs !== undefined && theirs.ino === ours.ino && theirs.dev === ours.dev)
    return [ok(`nginx (pid ${pid}) sees the same ${config.stateDir}`)];
  const what = theirs === undefined ? `there is no ${config.stateDir}` : `${config.stateDir} is another directory`;
  return [
    error(
      `for nginx (pid ${pid}) ${what}: it has a file system of its own (PrivateTmp, ProtectHome, a chroot or a container)`,
      'another stateDir, /run/NAME say; `systemctl show nginx -p PrivateTmp -p ProtectHome` shows what its unit hides',
    ),
  ];
}
