// logind may end what a user started when that user logs out: KillUserProcesses= of logind.conf(5).
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { appUser } from '../app-user.ts';
import type { DoctorContext } from '../doctor.ts';
import { ok, type Remark, warning } from '../finding.ts';

export async function logout({ config, status }: DoctorContext): Promise<readonly Remark[]> {
  const { uid, name } = await appUser(config);
  // root is excluded by default (KillExcludeUsers=), a supervisor is a service and belongs to no session.
  if (uid === 0 || status.supervisor !== null) return [];
  if (!killsUserProcesses()) return [ok(`what ${name} starts outlives the login`)];
  if (existsSync(`/var/lib/systemd/linger/${name}`)) return [ok(`${name} lingers: logging out ends nothing`)];
  return [
    warning(
      `KillUserProcesses=yes: a backend that ${name} starts by hand ends at logout`,
      `loginctl enable-linger ${name}, or the supervisor as a service: \`graceful setup systemd\``,
    ),
  ];
}

function killsUserProcesses(): boolean {
  const files = ['/usr/lib/systemd', '/run/systemd', '/etc/systemd'].flatMap((directory) => [
    join(directory, 'logind.conf'),
    ...list(join(directory, 'logind.conf.d')),
  ]);
  const settings = files.flatMap((file) =>
    existsSync(file) ? [...readFileSync(file, 'utf8').matchAll(/^\s*KillUserProcesses\s*=\s*(\S+)/gm)] : [],
  );
  return /^(?:yes|true|on|1)$/i.test(settings.at(-1)?.[1] ?? 'no');
}

function list(directory: string): readonly string[] {
  try {
    return readdirSync(directory)
      .filter((file) => file.endsWith('.conf'))
      .sort()
      .map((file) => join(directory, file));
  } catch {
    return []; // none
  }
}
