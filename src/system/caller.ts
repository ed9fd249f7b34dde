// Who started this process: what the kernel knows (user, ancestors) before what the environment says.
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { CalledVia, Caller } from '../core/history.ts';
import { readStat } from './processes/stat.ts';

const MAX_COMMAND = 300;

/** `args`: what was typed after `graceful`. */
export function callerOf(args: readonly string[], env: NodeJS.ProcessEnv, stdinIsTty: boolean): Caller {
  return {
    user: userName(),
    sudoUser: env['SUDO_USER'] || null,
    pid: process.pid,
    via: env['GRACEFUL_HOOK'] === undefined ? (viaAncestors() ?? (stdinIsTty ? 'terminal' : null)) : 'hook',
    command: ['graceful', ...args].join(' ').slice(0, MAX_COMMAND),
  };
}

/** Who asked a supervisor for an operation and did not say more: the supervisor itself, or whoever may use its socket. */
export const callerSaid = ({ by, caller }: { readonly by: string; readonly caller?: Caller | null }): Caller =>
  caller === undefined
    ? { user: userName(), sudoUser: null, pid: process.pid, via: 'supervisor', command: by }
    : { user: null, sudoUser: null, pid: null, via: null, command: by };

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return String(process.geteuid?.() ?? 'unknown'); // ENOENT: a container's user without an entry in passwd
  }
}

const PROGRAMS: Readonly<Record<string, CalledVia>> = {
  cron: 'cron',
  crond: 'cron',
  CRON: 'cron',
  sshd: 'ssh',
  'sshd-session': 'ssh',
  git: 'git',
  'git-receive-pack': 'git',
};

/** The nearest ancestor that says it: an SSH_CONNECTION in the environment may be that of a long closed session. */
function viaAncestors(): CalledVia | null {
  let pid = process.ppid;
  for (let isParent = true; pid > 0; isParent = false) {
    const via = PROGRAMS[commOf(pid)] ?? (isParent && pid === 1 && commOf(1) === 'systemd' ? 'systemd' : undefined);
    if (via !== undefined) return via;
    pid = readStat(pid)?.parent ?? 0;
  }
  return null;
}

function commOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return ''; // it has gone, or may not be seen
  }
}
