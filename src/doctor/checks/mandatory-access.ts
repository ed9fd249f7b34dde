// SELinux and AppArmor refuse what the mode bits allow. We cannot ask them as nginx, so this is a hint and no verdict.
import { readFileSync } from 'node:fs';
import type { DoctorContext } from '../doctor.ts';
import { note, ok, type Remark } from '../finding.ts';

export function mandatoryAccess({ config, nginx }: DoctorContext): readonly Remark[] {
  const remarks: Remark[] = [];
  if (read('/sys/fs/selinux/enforce') === '1')
    remarks.push(
      note(
        'SELinux is enforcing: nginx (httpd_t) needs a type on the sockets that it may write to, and leave to connect',
        `semanage fcontext -a -t httpd_var_run_t '${config.stateDir}(/.*)?' && restorecon -Rv ${config.stateDir}; denials: ausearch -m avc -ts recent`,
      ),
    );
  const profile = nginx.masterPid === null ? '' : read(`/proc/${nginx.masterPid}/attr/current`);
  if (profile !== '' && !profile.startsWith('unconfined') && !profile.includes(':'))
    remarks.push(
      note(
        `nginx runs under the AppArmor profile ${profile}`,
        `it has to allow ${config.stateDir}/** rw; denials: dmesg | grep apparmor`,
      ),
    );
  return remarks.length > 0 ? remarks : [ok('no SELinux and no AppArmor profile stands between nginx and the sockets')];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', '').trim();
  } catch {
    return ''; // not there, or not allowed
  }
}
