// What must be true after a command that the system refused something: done all the same, or a clear failure and nothing half.
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { monotonicMs } from '../../../src/core/clock.ts';
import { runs } from '../../rig/processes.ts';
import type { Run, TestApp } from '../../rig/test-app.ts';
import type { TestSupervisor } from '../../rig/test-supervisor.ts';
import { assertClear } from '../kit/clear.ts';
import { type Excuse, untilMended } from '../kit/excuses.ts';
import { assertKeptAlive, type Witness } from '../kit/invariants.ts';
import { randomFrom } from '../kit/seed.ts';
import { desiredOf } from '../kit/state-files.ts';
import type { TriedCommand } from './commands.ts';

export interface Tried {
  readonly run: Run;
  /** The version that served before; null where none did. */
  readonly before: string | null;
  readonly witness: Witness;
  /** What was refused: the same whenever the case is run. */
  readonly what: string;
  /** The same for the story, in full. */
  readonly how?: string;
  /** What the accident may cost; null where there was none. */
  readonly accident: Excuse | null;
}

interface Hosted {
  readonly app: TestApp;
  readonly supervisor: TestSupervisor | null;
}

export async function assertSound(command: TriedCommand, { app, supervisor }: Hosted, tried: Tried): Promise<void> {
  const { run, before, witness, what, how = what, accident } = tried;
  const endedAt = monotonicMs();
  try {
    assertEnd(run);
    await assertNothingHalf(command, app, run, before);
    // Who comes first where it is down is a matter of chance: cron, or who gave the command.
    if (randomFrom(`${command.name} ${what}`)() < 0.5) await assertKeptAlive(app);
    const again = await app.graceful(...command.args);
    assert.equal(again.code, 0, `I5: the same again ended with ${again.code}\n${again.stdout}${again.stderr}`);
    const excuses = [accident, command.excuse ?? null].flatMap((one) =>
      one === null ? [] : untilMended(one, endedAt),
    );
    await witness.check({ ...command.deed, excuses, told: [...run.events, ...again.events] });
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
