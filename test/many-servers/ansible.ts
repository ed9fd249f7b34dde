// ansible-playbook as an operator runs it, on the control machine: the playbook, the role and the settings that we ship.
import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { inRepo } from '../rig/paths.ts';
import { program } from './programs.ts';
import type { Servers } from './servers.ts';

export const SHIPPED = inRepo('docs/ansible');

export interface Roll {
  readonly code: number | null;
  /** What the operator saw. */
  readonly text: string;
  /** Tasks that changed something, by server, from the recap. */
  readonly changed: Readonly<Record<string, number>>;
}

/** Runs docs/ansible/roll.yml with these variables. */
export async function roll(
  servers: Servers,
  variables: Readonly<Record<string, unknown>>,
  ...args: readonly string[]
): Promise<Roll> {
  const { control, dir } = servers;
  const inventory = join(dir, 'inventory.json');
  writeFileSync(inventory, JSON.stringify(inventoryOf(servers, variables)));
  // In a process namespace of its own: the ssh connections that it keeps for a minute end with it.
  const isolated = [program('unshare'), '--pid', '--fork', '--kill-child', '--mount-proc'];
  const [command = '', ...rest] = [program('setpriv'), '--pdeathsig', 'KILL', ...control.inItsNetwork, ...isolated];
  const child = spawn(
    command,
    [...rest, program('ansible-playbook'), '-i', inventory, join(SHIPPED, 'roll.yml'), ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        PATH: process.env['PATH'],
        HOME: dir,
        LANG: 'C.UTF-8',
        ANSIBLE_CONFIG: join(SHIPPED, 'ansible.cfg'),
        ANSIBLE_HOME: join(dir, 'ansible'),
      },
    },
  );
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  const changed = [...text.matchAll(/^(\w+) +: ok=\d+ +changed=(\d+)/gm)].map(([, name, count]) => [
    name,
    Number(count),
  ]);
  return { code, text, changed: Object.fromEntries(changed) };
}

const SSH_OPTIONS = '-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR';

/** A directory for PATH whose `ssh` knows the servers by their names. */
export function sshTo({ dir, apps, sshKey }: Servers): string {
  const bin = join(dir, 'bin');
  mkdirSync(bin, { recursive: true });
  const config = apps.map(({ name, address }) => `Host ${name}\n  HostName ${address}\n  User root\n`).join('');
  writeFileSync(join(bin, 'config'), config);
  const script = `#!/bin/sh\nexec ${program('ssh')} -F ${bin}/config -i ${sshKey} ${SSH_OPTIONS} "$@"\n`;
  writeFileSync(join(bin, 'ssh'), script, { mode: 0o755 });
  return bin;
}

function inventoryOf({ apps, balancer, sshKey }: Servers, variables: Readonly<Record<string, unknown>>): unknown {
  const hosts = (machines: Servers['apps']) =>
    Object.fromEntries(machines.map(({ name, address }) => [name, { ansible_host: address }]));
  return {
    all: {
      vars: {
        ansible_user: 'root',
        ansible_ssh_private_key_file: sshKey,
        ansible_ssh_common_args: SSH_OPTIONS,
        ansible_python_interpreter: '/usr/bin/python3',
        ansible_remote_tmp: '/run/ansible',
      },
      children: {
        app: { hosts: hosts(apps), vars: variables },
        balancer: { hosts: hosts([balancer]) },
      },
    },
  };
}
