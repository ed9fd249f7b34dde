// A machine made of namespaces: its own network, processes and mounts. It ends with its first process, all that runs in it
// with it, and so do its network and its cable: nothing is left even if the test is killed.
import { type ChildProcess, type ChildProcessByStdio, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { program } from './programs.ts';

export interface Machine extends AsyncDisposable {
  readonly name: string;
  readonly address: string;
  /** A process in its namespaces. */
  readonly pid: number;
  /** The program and arguments that run another one in its network. */
  readonly inItsNetwork: readonly string[];
  /** Whether somebody listens there at the TCP port. */
  listens(port: number): boolean;
}

export interface MachineOptions {
  readonly name: string;
  readonly address: string;
  /** A shell script in the new namespaces, as root; it says {@link BOOTED} and execs what is process 1. */
  readonly boot: string;
}

export const BOOTED = 'booted';

export async function bootMachine({ name, address, boot }: MachineOptions): Promise<Machine> {
  const unshare = ['--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const child = spawn(
    program('setpriv'),
    ['--pdeathsig', 'KILL', program('unshare'), ...unshare, 'sh', '-euc', `ip link set lo up\n${boot}`],
    { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env['PATH'], HOME: '/root' } },
  );
  try {
    await untilBooted(name, child);
  } catch (error) {
    await end(child);
    throw error;
  }
  const pid = child.pid as number;
  return {
    name,
    address,
    pid,
    inItsNetwork: [program('nsenter'), `--net=/proc/${pid}/ns/net`],
    listens: (port) => listeners(pid).includes(port),
    [Symbol.asyncDispose]: () => end(child),
  };
}

const untilBooted = (name: string, child: ChildProcessByStdio<null, Readable, Readable>): Promise<void> =>
  new Promise((resolve, reject) => {
    let complaints = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => text.includes(BOOTED) && resolve());
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaints += text;
    });
    child.once('error', reject);
    child.once('close', () => reject(new Error(`${name} did not boot: ${complaints}`)));
  });

/** Puts a bridge into the first machine and a cable from it to each, the first one too. */
export function connectMachines(machines: readonly Machine[]): void {
  const [first] = machines;
  if (first === undefined) return;
  const ip = (at: Machine, ...args: readonly string[]): void => {
    const [nsenter = '', ...rest] = at.inItsNetwork;
    execFileSync(nsenter, [...rest, program('ip'), ...args]);
  };
  ip(first, 'link', 'add', 'switch', 'type', 'bridge');
  ip(first, 'link', 'set', 'switch', 'up');
  for (const machine of machines) {
    const port = `to-${machine.name}`;
    ip(first, 'link', 'add', port, 'type', 'veth', 'peer', 'name', 'lan', 'netns', String(machine.pid));
    ip(first, 'link', 'set', port, 'master', 'switch', 'up');
    ip(machine, 'address', 'add', `${machine.address}/24`, 'dev', 'lan');
    ip(machine, 'link', 'set', 'lan', 'up');
  }
}

const LISTEN = '0A';

/** The ports in proc(5)'s net/tcp of that process's network. */
const listeners = (pid: number): readonly number[] =>
  readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter(([, , , state]) => state === LISTEN)
    .map(([, local = '']) => Number.parseInt(local.split(':')[1] ?? '', 16));

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  // --kill-child: the kernel ends process 1 with it, and with that all others of its namespace.
  child.kill('SIGKILL');
  await exited;
}
