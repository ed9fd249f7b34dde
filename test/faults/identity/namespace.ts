// A pid namespace of the test's own: who is given which pid next is ours to say there.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { inRepo } from '../../rig/paths.ts';
import { need } from '../../rig/requirements.ts';
import { cleanEnvironment } from '../../rig/test-app.ts';

/** What PID 1 does with what it did not start. */
export type Init = 'reaps' | 'never reaps';

const INIT: Readonly<Record<Init, () => readonly string[]>> = {
  reaps: () => [need('tini'), '-s', '--'],
  'never reaps': () => [need('python3'), inRepo('test/faults/identity/init-without-reaping.py')],
};

/** argv that runs a program in a pid namespace, under such a PID 1. Killing it kills all that is in there. */
export const inNamespace = (init: Init, ...argv: readonly string[]): readonly string[] => [
  need('unshare'),
  '--pid',
  '--fork',
  '--kill-child',
  '--mount-proc',
  ...INIT[init](),
  ...argv,
];

/** Runs a story of this directory in there; what it says is said when it fails. */
export async function tellInNamespace(init: Init, story: string, ...args: readonly string[]): Promise<void> {
  const file = inRepo(`build/test/faults/identity/${story}.js`);
  const [program = '', ...rest] = inNamespace(init, process.execPath, file, ...args);
  const child = spawn(program, rest, { env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  const hear = (text: string): void => {
    said += text;
  };
  child.stdout.setEncoding('utf8').on('data', hear);
  child.stderr.setEncoding('utf8').on('data', hear);
  const patience = setTimeout(() => child.kill('SIGKILL'), 120_000);
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null];
  clearTimeout(patience);
  assert.equal(code, 0, `${story} ${args.join(' ')} ended with ${code ?? signal}\n${said}`);
}

/** A stranger with exactly this pid, which nobody has: the kernel gives the one after ns_last_pid, proc_sys_kernel(5). */
export async function takePid(pid: number, isLeader: boolean): Promise<ChildProcess> {
  for (let attempt = 0; attempt < 200; attempt += 1) {
    writeFileSync('/proc/sys/kernel/ns_last_pid', String(pid - 1));
    const child = spawn('/bin/sleep', ['100000'], { detached: isLeader, stdio: 'ignore', env: {} });
    await once(child, 'spawn');
    if (child.pid === pid) return child;
    child.kill('SIGKILL'); // a thread of somebody's was faster
  }
  throw new Error(`pid ${pid} could not be had`);
}
