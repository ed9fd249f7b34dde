// Files that say that somebody else's process is ours.
import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { identifyDirectory } from '../../../src/system/backend-record.ts';
import { identify, pidNamespace } from '../../../src/system/processes/identity.ts';
import { runs, stateOf } from '../../rig/processes.ts';
import { createTestApp, type TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { everyNth } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';
import { assertRefused, attempt, CHANGING, COMMANDS } from './commands.ts';
import { give, NEIGHBOUR, startProcess } from './neighbour.ts';

const TRIED = ['I3', 'I5', 'clear'] as const;
const SLOTS = ['a', 'b'] as const;
type Forged = 'a pid file' | 'a record' | 'a record and a pid file' | 'a hook file' | 'a lock holder';
const FORGED: readonly Forged[] = ['a pid file', 'a record', 'a record and a pid file', 'a hook file', 'a lock holder'];

/** Whose process it names, and whether that leads a session, as ours do. */
interface Victim {
  readonly what: string;
  readonly user: number;
  readonly isLeader: boolean;
}
const VICTIMS: readonly Victim[] = [
  { what: "another user's process", user: NEIGHBOUR, isLeader: true },
  { what: 'a process of our user', user: 0, isLeader: true },
  { what: 'a worker of another program of our user', user: 0, isLeader: false },
];

export function recordCases(form: Form): readonly Case[] {
  const all = [...cases()];
  return form === 'long' ? all : everyNth(all, 37, 'records');
}

function* cases(): Iterable<Case> {
  for (const forged of FORGED)
    for (const victim of VICTIMS)
      for (const byUs of [false, true])
        for (const slot of SLOTS)
          for (const command of COMMANDS) {
            // What our own user writes about a leader of a session is what graceful itself writes.
            if (byUs && victim.isLeader && forged !== 'a pid file') continue;
            // A pid file of anybody's is not believed; a live holder of the lock is respected.
            if (forged === 'a lock holder' && byUs) continue;
            yield {
              row: `a pid file, record, hook or lock holder ${byUs ? 'of ours' : 'of another user'} names a process that is not ours`,
              name: `${forged}${byUs ? ' (ours)' : ''}, ${victim.what}, slot ${slot}: ${command.join(' ')}`,
              tried: TRIED,
              run: () => forgeAndTry(forged, victim, byUs, slot, command),
            };
          }
}

async function forgeAndTry(
  forged: Forged,
  { user, isLeader }: Victim,
  byUs: boolean,
  slot: 'a' | 'b',
  command: readonly string[],
): Promise<void> {
  await using app = await createTestApp();
  mkdirSync(app.stateDir, { mode: 0o750 });
  const victim = startProcess(user, isLeader);
  try {
    await once(victim, 'spawn');
    await until('it sleeps', () => stateOf(victim.pid as number) === 'S' && commandOf(victim) === '/bin/sleep');
    const files = forge(app, forged, slot, victim.pid as number);
    if (!byUs) for (const file of files) give(file);
    const run = await attempt(app, command);
    assertUnharmed(victim);
    const isChanging = CHANGING.some(([verb]) => verb === command[0]) && command[1] !== '--inactive';
    if (!byUs && isChanging) assertRefused(run, 2, app.stateDir, command.join(' '));
    if (!byUs) for (const file of files) rmSync(file, { force: true, recursive: true });
    await app.succeed('update');
    assertUnharmed(victim);
    assert.equal((await app.get('/')).status, 200, 'I5');
    await app.succeed('stop', '--all');
    assertUnharmed(victim);
  } finally {
    victim.kill('SIGKILL');
  }
}

function assertUnharmed({ pid, exitCode, signalCode }: ChildProcess): void {
  const state = stateOf(pid as number);
  assert.ok(
    runs(pid as number) && exitCode === null && signalCode === null && state === 'S',
    `I3: it was signalled: ${signalCode ?? state}`,
  );
}

const commandOf = ({ pid }: ChildProcess): string => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')[0] ?? '';

/** As exact as if graceful had written it; returns what was written. */
function forge(app: TestApp, forged: Forged, slot: 'a' | 'b', pid: number): readonly string[] {
  const identity = identify(pid);
  const common = { ...identity, instance: 'forged', slot, pidNamespace: pidNamespace() };
  const write = (name: string, content: unknown): string => {
    const path = app.file(name);
    writeFileSync(path, typeof content === 'string' ? content : `${JSON.stringify(content)}\n`, { mode: 0o640 });
    return path;
  };
  const record = {
    ...common,
    startedAt: new Date().toISOString(),
    readyAt: new Date().toISOString(),
    stoppingAt: null,
    cwd: app.dir,
    release: null,
    stateDir: identifyDirectory(app.stateDir),
  };
  switch (forged) {
    case 'a pid file':
      return [write(`app-${slot}.pid`, `${pid}\n`)];
    case 'a record':
      return [write(`app-${slot}.backend.json`, record)];
    case 'a record and a pid file':
      return [write(`app-${slot}.backend.json`, record), write(`app-${slot}.pid`, `${pid}\n`)];
    case 'a hook file':
      return [write('app.hook.json', common)];
    case 'a lock holder': {
      mkdirSync(app.file('app.lock'));
      const holder = { ...common, operation: 'update', since: new Date().toISOString() };
      return [write('app.lock-holder.json', holder), app.file('app.lock')];
    }
  }
}
