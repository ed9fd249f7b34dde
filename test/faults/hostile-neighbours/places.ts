// State dirs that others may write to, or put another directory in the place of.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createTestApp } from '../../rig/test-app.ts';
import { everyNth } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';
import { assertRefused, attempt, CHANGING, COMMANDS } from './commands.ts';
import { give } from './neighbour.ts';
import { assertUntouched, fingerprint } from './plants.ts';

const TRIED = ['I3', 'clear'] as const;
const MODES = [0o777, 0o1777, 0o757, 0o752, 0o2777, 0o703];
const PARENT_MODES = [0o777, 0o757, 0o2777, 0o702];

export function placeCases(form: Form): readonly Case[] {
  const all = [...writable(), ...replaceable(), ...sticky(), ...notOurs()];
  return form === 'long' ? all : everyNth(all, 19, 'places');
}

function* writable(): Iterable<Case> {
  for (const mode of MODES)
    for (const command of COMMANDS)
      for (const content of ['nothing', 'an app that was stopped'])
        yield {
          row: 'a state dir that everybody may write to',
          name: `mode ${mode.toString(8)}, with ${content} in it: ${command.join(' ')}`,
          tried: TRIED,
          async run() {
            await using app = await createTestApp();
            if (content === 'nothing') mkdirSync(app.stateDir);
            else {
              await app.succeed('start');
              await app.succeed('stop', '--all');
            }
            chmodSync(app.stateDir, mode);
            await assertNothingDone(app.stateDir, async () =>
              assertRefused(await attempt(app, command), 2, app.stateDir, command.join(' ')),
            );
            assert.deepEqual(app.processes(), []);
          },
        };
}

function* replaceable(): Iterable<Case> {
  for (const mode of PARENT_MODES)
    for (const command of COMMANDS)
      for (const depth of [1, 2])
        yield {
          row: 'a state dir below a directory in which everybody may replace it',
          name: `mode ${mode.toString(8)}, ${depth} above: ${command.join(' ')}`,
          tried: TRIED,
          async run() {
            await using app = await createTestApp();
            const shared = join(app.dir, 'shared');
            const stateDir = depth === 1 ? 'shared/run' : 'shared/app/run';
            mkdirSync(depth === 1 ? shared : dirname(join(app.dir, stateDir)), { recursive: true });
            chmodSync(shared, mode);
            app.configure({ stateDir });
            const run = await attempt(app, command);
            assertRefused(run, 2, shared, command.join(' '));
            assert.deepEqual(readdirSync(join(app.dir, dirname(stateDir))), [], 'made all the same');
            assert.deepEqual(app.processes(), []);
          },
        };
}

function* sticky(): Iterable<Case> {
  for (const command of CHANGING)
    for (const what of ['a directory of theirs', 'a link of theirs to a directory of theirs'])
      yield {
        row: 'a neighbour was there before us, where everybody may write and the sticky bit is set',
        name: `${what}: ${command.join(' ')}`,
        tried: TRIED,
        async run() {
          await using app = await createTestApp();
          const shared = join(app.dir, 'shared');
          mkdirSync(shared);
          chmodSync(shared, 0o1777);
          const theirs = join(shared, what === 'a directory of theirs' ? 'run' : 'theirs');
          mkdirSync(theirs, { mode: 0o755 });
          give(theirs);
          if (theirs !== join(shared, 'run')) {
            symlinkSync('theirs', join(shared, 'run'));
            give(join(shared, 'run'));
          }
          app.configure({ stateDir: 'shared/run' });
          await assertNothingDone(theirs, async () =>
            assertRefused(await attempt(app, command), 2, theirs, command.join(' ')),
          );
          assert.deepEqual(app.processes(), []);
        },
      };
}

function* notOurs(): Iterable<Case> {
  for (const command of COMMANDS)
    for (const what of ['a file', 'a FIFO', 'a link to nothing'])
      yield {
        row: 'something else in the place of the state dir',
        name: `${what}: ${command.join(' ')}`,
        tried: TRIED,
        async run() {
          await using app = await createTestApp();
          if (what === 'a file') writeFileSync(app.stateDir, 'precious');
          else if (what === 'a FIFO') (await import('../../rig/fifo.ts')).makeFifo(app.stateDir);
          else symlinkSync('/nonexistent/run', app.stateDir);
          const before = fingerprint(app.stateDir);
          const run = await attempt(app, command);
          assert.notEqual(run.code, 0, run.stdout);
          assertUntouched(before);
          assert.deepEqual(app.processes(), []);
        },
      };
}

async function assertNothingDone(directory: string, deed: () => Promise<void>): Promise<void> {
  const files = (): readonly string[] => readdirSync(directory).sort();
  const before = files().map((file) => fingerprint(join(directory, file)));
  const names = files();
  await deed();
  assert.deepEqual(files(), names, 'something was made or removed');
  for (const file of before) assertUntouched(file);
}
