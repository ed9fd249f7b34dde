// Programs of the user's that may outlive a killed graceful (a hook, a release's prepare): who runs is on disk before it runs,
// so that whoever is next ends it instead of running another beside it.
import { randomUUID } from 'node:crypto';
import { isSlot } from '../core/slot.ts';
import { readIfPresent, removeFile, writeAtomically } from './atomic-file.ts';
import { canBe, type Family, familyOf } from './processes/family.ts';
import { identify, type ProcessIdentity } from './processes/identity.ts';
import { terminate } from './processes/terminate.ts';
import { type Program, type ProgramEnd, runProgram } from './program.ts';
import type { StatePaths } from './state-paths.ts';
import { isPid, isText, parseObject } from './stored-values.ts';

const GRACE_MS = 1_000;
// On disk it is null. No number: kill(2) has a meaning for each.
const UNKNOWN_PID = Number.NaN;

/** Runs a program that the file at `path` names as long as it runs. */
export async function runNoted(path: string, program: Omit<Program, 'instance' | 'onStarted'>): Promise<ProgramEnd> {
  const { slot } = program;
  const instance = randomUUID();
  const note = ({ pid, startTicks, bootId }: ProcessIdentity): void =>
    writeAtomically(path, `${JSON.stringify({ pid, startTicks, bootId, instance, slot })}\n`, { mode: 0o640 });
  // Were we killed a moment after it has begun, its instance is what it would be known by.
  note(notYetKnown());
  const end = await runProgram({ ...program, instance, onStarted: note });
  removeFile(path);
  return end;
}

/** Ends what the file at `path` names, with everything that it started; its pid, or null when there is none. */
export async function endOrphan(path: string, slots: StatePaths['slots']): Promise<number | null> {
  const orphan = parseProgram(readIfPresent(path));
  let ended: number | null = null;
  if (orphan !== null && canBe(orphan)) {
    const socketPath = slots[orphan.slot].socket;
    ended = Number.isNaN(orphan.pid) ? (familyOf(orphan, socketPath)[0]?.pid ?? null) : orphan.pid;
    await terminate(orphan, { signal: 'SIGTERM', timeoutMs: GRACE_MS, socketPath, onSignal: () => undefined });
  }
  removeFile(path);
  return ended;
}

/** Younger than we are, under a pid that is not known yet. */
function notYetKnown(): ProcessIdentity {
  const self = identify(process.pid);
  if (self === null) throw new Error('the process cannot see itself in /proc');
  return { ...self, pid: UNKNOWN_PID };
}

function parseProgram(text: string | null): Family | null {
  const { pid, startTicks, bootId, instance, slot } = parseObject(text) ?? {};
  const isWhole = (pid === null || isPid(pid)) && [startTicks, bootId, instance].every(isText) && isSlot(slot);
  return isWhole ? ({ pid: pid ?? UNKNOWN_PID, startTicks, bootId, instance, slot } as Family) : null;
}
