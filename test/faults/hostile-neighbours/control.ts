// Somebody who is no supervisor listens where one would.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync } from 'node:fs';
import { inRepo } from '../../rig/paths.ts';
import { need } from '../../rig/requirements.ts';
import { createTestApp } from '../../rig/test-app.ts';
import { everyNth } from '../kit/seed.ts';
import { startStrangers } from '../kit/strangers.ts';
import type { Case, Form } from '../kit/suite.ts';
import { assertNames, assertRefused, attempt, COMMANDS } from './commands.ts';
import { as, NEIGHBOUR } from './neighbour.ts';

const MANNERS = [
  'silent',
  'hangs up',
  'rubbish',
  'endless header',
  'endless answer',
  'in drops',
  'not an object',
  'another shape',
  'an operation that is hung up',
  'an operation of rubbish',
  'an operation without end of line',
  'an operation of unknown events',
  'an operation of unknown ends',
  'an operation of unknown failures',
  'a refusal without end',
];
/** Takes as long as a supervisor may take to read its configuration. */
const SLOW_MANNER = 'an operation without an answer';
const SERVER = inRepo('test/faults/hostile-neighbours/hostile-server.py');

export function controlCases(form: Form): readonly Case[] {
  const all = [...cases()];
  return form === 'long' ? all : everyNth(all, 31, 'control');
}

function* cases(): Iterable<Case> {
  for (const user of [NEIGHBOUR, 0])
    for (const manner of [...MANNERS, SLOW_MANNER])
      for (const command of COMMANDS)
        for (const format of ['--json', '--no-color']) {
          if (manner === SLOW_MANNER && (command[0] !== 'update' || user !== 0)) continue;
          yield {
            row: `${user === 0 ? 'a broken server of ours' : 'a server of another user'} at the control socket`,
            name: `user ${user}, ${manner}: ${command.join(' ')} ${format}`,
            tried: ['I1', 'I3', 'clear'],
            run: () => tryAgainst(user, manner, command, format),
          };
        }
}

async function tryAgainst(user: number, manner: string, command: readonly string[], format: string): Promise<void> {
  await using app = await createTestApp();
  using strangers = startStrangers(app.dir);
  mkdirSync(app.stateDir, { mode: 0o770 });
  await app.succeed('start');
  chmodSync(app.dir, 0o755);
  // Only while it binds: the group that may is the neighbour's.
  chmodSync(app.stateDir, 0o777);
  const control = app.file('app.control');
  const [program = '', ...args] = as(user, need('python3'), SERVER, control, manner);
  const server = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    await once(server.stdout, 'data');
    chmodSync(app.stateDir, 0o770);
    const before = app.processes();
    const what = `\`${command.join(' ')}\` with ${manner}`;
    const run = await attempt(app, format === '--json' ? command : [...command, format]);
    if (user !== 0 && command.join(' ') !== 'stop --inactive') {
      assertRefused(run, 2, control, what);
      assert.deepEqual(app.processes(), before, 'I3');
    }
    if (run.code === 2) assertNames(run, control, what);
    assert.ok([0, 1, 2, 3, 4, 5].includes(run.code ?? -1), `${what}: ${run.code}`);
    // Stopped on its own authority, where nobody who could do it for us answers.
    if (command[0] !== 'stop' && command[0] !== 'restart') assert.equal((await app.get('/')).status, 200, 'I1');
    strangers.assertAlive();
  } finally {
    server.kill('SIGKILL');
    await once(server, 'close');
  }
}
