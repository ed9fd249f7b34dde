// What must be true after a command that the system refused something: done all the same, or a clear failure and nothing half.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { runs } from '../../rig/processes.ts';
import type { Run, TestApp } from '../../rig/test-app.ts';
import type { TestSupervisor } from '../../rig/test-supervisor.ts';
import { assertClear } from '../kit/clear.ts';
import type { Witness } from '../kit/invariants.ts';
import { desiredOf } from '../kit/state-files.ts';
import type { TriedCommand } from './commands.ts';

export interface Tried {
  readonly run: Run;
  /** The version that served before; null where none did. */
  readonly before: string | null;
  readonly witness: Witness;
  /** What was refused, for the story. */
  readonly how: string;
}

interface Hosted {
  readonly app: TestApp;
  readonly supervisor: TestSupervisor | null;
}

export async function assertSound(command: TriedCommand, { app, supervisor }: Hosted, tried: Tried): Promise<void> {
  const { run, before, witness, how } = tried;
  try {
    assertEnd(run);
    await assertNothingHalf(command, app, run, before);
    const again = await app.graceful(...command.args);
    assert.equal(again.code, 0, `I5: the same again ended with ${again.code}\n${again.stdout}${again.stderr}`);
    await witness.check({ ...command.deed, told: [...run.events, ...again.events] });
    if (supervisor !== null) assert.ok(runs(supervisor.pid), 'clear: the supervisor has gone');
  } catch (error) {
    const said = supervisor?.stderr() ?? '';
    throw new Error(`${how}\n${run.stdout}${run.stderr}${said}\n${(error as Error).message}`, { cause: error });
  }
}

/** Exactly one failure, in one of our words; or none. */
export function assertEnd(run: Run): void {
  assertClear(run);
  assert.equal(run.stderr, '', 'clear: something beside the failure');
  const isStatus = run.stdout.startsWith('{"name"');
  if (run.code !== 0 && !isStatus) assert.ok(run.failure !== null, 'clear: no failure was told');
}

async function assertNothingHalf({ name }: TriedCommand, app: TestApp, run: Run, before: string | null): Promise<void> {
  if (name === 'stop --all') {
    const desired = desiredOf(app);
    assert.equal(existsSync(app.link), desired === 'up', `half down: desired ${desired}, and the link disagrees`);
  }
  if (!name.startsWith('update') || before === null) return;
  const { version } = await app.get('/');
  assert.equal(version, run.code === 0 ? '2' : before, `exit code ${run.code}, and version ${version} serves`);
}
