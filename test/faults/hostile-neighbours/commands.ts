// Every command, each ended when it takes longer than any refusal may.
import assert from 'node:assert/strict';
import type { Run, TestApp } from '../../rig/test-app.ts';
import { assertClear } from '../kit/clear.ts';

/** Those that take the lock, whatever they find. */
export const CHANGING = [['update'], ['start'], ['stop', '--all'], ['restart', '--all'], ['switch'], ['run']] as const;
export const LOOKING = [['status'], ['keepalive'], ['stop', '--inactive']] as const;
export const COMMANDS: readonly (readonly string[])[] = [...CHANGING, ...LOOKING];

const HANG_MS = 40_000;

/** A supervisor that was not refused is told to leave, and its backends are left alone. */
export async function attempt(app: TestApp, command: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Run> {
  const running = app.spawnGraceful([...command, '--json'], env);
  const { process: child, finished } = running;
  const name = command.join(' ');
  // One that has begun listens to signals, until it leaves: it is told once. One that cannot read its state tries again.
  let said = '';
  child.stdout?.on('data', function tell(text: string) {
    said += text;
    if (name !== 'run' || !/"(operation-(completed|failed)|retry-scheduled)"/.test(said)) return;
    child.stdout?.off('data', tell);
    child.kill('SIGUSR2');
  });
  let hung = false;
  const hang = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, HANG_MS);
  const run = await finished;
  clearTimeout(hang);
  assert.ok(!hung, `clear: \`${name}\` hangs\n${run.stdout}${run.stderr}`);
  assertClear(run);
  return run;
}

/** Refused with this exit code, and told where to look. */
export function assertRefused(run: Run, code: number, path: string, what: string): void {
  assert.equal(run.code, code, `${what} ended with ${run.code ?? run.signal}\n${run.stdout}${run.stderr}`);
  assertNames(run, path, what);
}

export function assertNames(run: Run, path: string, what: string): void {
  const said = `${run.stdout}${run.stderr}`;
  assert.ok(said.includes(path), `clear: ${what} does not name ${path}\n${said}`);
}
