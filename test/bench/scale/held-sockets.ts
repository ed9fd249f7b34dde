// A host with many open unix sockets: real ones, held by processes of their own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { inRepo } from '../../rig/paths.ts';
import { need } from '../../rig/requirements.ts';
import { tempDir } from '../../rig/temp-dir.ts';

/** A process may open so many files: less than the hard limit of nearly every host. */
const PER_PROCESS = 4_000;

export interface HeldSockets extends AsyncDisposable {
  /** As /proc/net/unix counts them, ours and all others. */
  readonly onHost: number;
}

export async function holdSockets(count: number): Promise<HeldSockets> {
  const dir = await tempDir();
  const holders: ChildProcess[] = [];
  const dispose = async (): Promise<void> => {
    await Promise.all(
      holders.map(async (holder) => {
        if (holder.exitCode !== null || holder.signalCode !== null) return;
        const exited = once(holder, 'exit');
        holder.kill('SIGKILL');
        await exited;
      }),
    );
    await dir[Symbol.asyncDispose]();
  };
  try {
    for (let left = count; left > 0; left -= PER_PROCESS) {
      const path = dir.join(`another-app-of-this-host-${holders.length}.socket`);
      const holder = spawn(
        need('python3'),
        [inRepo('test/bench/scale/hold-sockets.py'), path, String(Math.min(left, PER_PROCESS))],
        { stdio: ['pipe', 'pipe', 'inherit'] },
      );
      holders.push(holder);
      const ended = once(holder, 'exit').then(() => Promise.reject(new Error('a holder of sockets has ended')));
      ended.catch(() => undefined); // at the end it is killed
      await Promise.race([once(holder.stdout, 'data'), ended]);
    }
  } catch (error) {
    await dispose();
    throw error;
  }
  const onHost = readFileSync('/proc/net/unix', 'latin1').split('\n').length - 2;
  return { onHost, [Symbol.asyncDispose]: dispose };
}
