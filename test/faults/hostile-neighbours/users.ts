// Root in a user's directory, and a user in root's.
import assert from 'node:assert/strict';
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runs } from '../../rig/processes.ts';
import { BIN, cleanEnvironment, createTestApp, type Run, type TestApp } from '../../rig/test-app.ts';
import { assertClear } from '../kit/clear.ts';
import { everyNth } from '../kit/seed.ts';
import { startStrangers } from '../kit/strangers.ts';
import type { Case, Form } from '../kit/suite.ts';
import { assertRefused, attempt, CHANGING, COMMANDS } from './commands.ts';
import { as, NEIGHBOUR } from './neighbour.ts';
import { assertUntouched, fingerprint } from './plants.ts';

const TRIED = ['I1', 'I3', 'clear'] as const;
const STATES = ['empty', 'serving', 'both slots full'] as const;

export function userCases(form: Form): readonly Case[] {
  assertReadable();
  const all = [...cases()];
  return form === 'long' ? all : everyNth(all, 19, 'users');
}

function* cases(): Iterable<Case> {
  for (const command of COMMANDS)
    for (const state of STATES) {
      yield {
        row: "root in a user's directory",
        name: `root, ${state}: ${command.join(' ')}`,
        tried: TRIED,
        run: () => tryAsOther({ owner: NEIGHBOUR, other: 0, mode: 0o755 }, command, state),
      };
      for (const mode of [0o755, 0o750])
        yield {
          row: "a user in root's directory",
          name: `user, mode ${mode.toString(8)}, ${state}: ${command.join(' ')}`,
          tried: TRIED,
          run: () => tryAsOther({ owner: 0, other: NEIGHBOUR, mode }, command, state),
        };
      yield {
        row: "a user in another user's directory",
        name: `users, ${state}: ${command.join(' ')}`,
        tried: TRIED,
        run: () => tryAsOther({ owner: NEIGHBOUR, other: NEIGHBOUR + 1, mode: 0o755 }, command, state),
      };
    }
}

interface Roles {
  readonly owner: number;
  readonly other: number;
  /** Of the state dir. */
  readonly mode: number;
}

async function tryAsOther(
  { owner, other, mode }: Roles,
  command: readonly string[],
  state: (typeof STATES)[number],
): Promise<void> {
  await using app = await createTestApp();
  using strangers = startStrangers(app.dir);
  chmodSync(app.dir, 0o755);
  mkdirSync(app.stateDir, { mode });
  writeFileSync(app.file('precious'), 'precious');
  execFileSync('chown', ['-R', `${owner}:${owner}`, app.dir]);
  if (state !== 'empty')
    assert.equal((await runAs(owner, app, ['start', ...(state === 'serving' ? [] : ['--all'])])).code, 0);
  const pids = app.processes();
  const names = readdirSync(app.stateDir).sort();
  const before = names.map((name) => fingerprint(join(app.stateDir, name)));

  const run = other === 0 ? await attempt(app, command) : await runAs(other, app, command);
  const what = `\`${command.join(' ')}\` as user ${other}`;
  const said = `${run.stdout}${run.stderr}`;
  if (CHANGING.some(([verb]) => verb === command[0]) && command[1] !== '--inactive')
    assertRefused(run, said.includes('EACCES') ? 1 : 2, app.stateDir, what);
  assert.deepEqual(readdirSync(app.stateDir).sort(), names, `${what} made or removed something`);
  for (const file of before) assertUntouched(file);
  for (const pid of pids) assert.ok(runs(pid), `I3: ${what} ended a process`);
  assert.deepEqual(app.processes(), pids);
  strangers.assertAlive();
  if (state !== 'empty') assert.equal((await app.get('/')).status, 200, 'I1');
}

/** The program is where we are, perhaps in root's own home. */
function assertReadable(): void {
  const [program = '', ...args] = as(NEIGHBOUR, process.execPath, BIN, '--version');
  const { status, stderr } = spawnSync(program, args, { cwd: '/', encoding: 'utf8' });
  assert.equal(status, 0, `other users cannot run ${BIN}: the checkout has to be where they may read it\n${stderr}`);
}

async function runAs(user: number, app: TestApp, command: readonly string[]): Promise<Run> {
  const [program = '', ...args] = as(user, process.execPath, BIN, ...command, '--json');
  const child = spawn(program, args, { cwd: app.dir, env: cleanEnvironment(), stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const patience = setTimeout(() => child.kill('SIGKILL'), 30_000);
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(patience);
  const run: Run = { code, signal, stdout: said, stderr: '', events: [], outcome: null, failure: null };
  assertClear(run);
  return run;
}
