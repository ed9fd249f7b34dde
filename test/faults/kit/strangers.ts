// Processes that are not ours and must survive: one that looks like nothing, one that looks much like a backend.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { runs } from '../../rig/processes.ts';

export interface Strangers extends Disposable {
  readonly pids: readonly number[];
  assertAlive(): void;
}

/** Both in sessions of their own, in the app's directory; the second has the environment of another app's backend. */
export function startStrangers(dir: string): Strangers {
  const start = (env: NodeJS.ProcessEnv): ChildProcess =>
    spawn('/bin/sleep', ['100000'], { cwd: dir, env: { ...process.env, ...env }, detached: true, stdio: 'ignore' });
  const children = [start({}), start({ GRACEFUL_INSTANCE: 'of another app', GRACEFUL_SLOT: 'a' })];
  const ends = new Map<ChildProcess, string>();
  for (const child of children) {
    child.unref();
    child.once('exit', (code, signal) => ends.set(child, `${signal ?? code}`));
  }
  const pids = children.map(({ pid }) => pid as number);
  return {
    pids,
    assertAlive() {
      for (const child of children)
        assert.ok(
          !ends.has(child) && runs(child.pid as number),
          `I3: a process that is not ours was ended (${ends.get(child)})`,
        );
    },
    [Symbol.dispose]() {
      for (const child of children) child.kill('SIGKILL');
    },
  };
}
