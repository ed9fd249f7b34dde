// Something of a neighbour's in the place of each of our files.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createTestApp } from '../../rig/test-app.ts';
import { everyNth } from '../kit/seed.ts';
import { startStrangers } from '../kit/strangers.ts';
import type { Case, Form } from '../kit/suite.ts';
import { assertNames, assertRefused, attempt, CHANGING, COMMANDS } from './commands.ts';
import { assertUntouched, fingerprint, mustBeRefused, NAMES, type Name, PLANTS, type Plant } from './plants.ts';

interface Variant {
  readonly name: Name;
  readonly plant: Plant;
  readonly command: readonly string[];
  readonly serving: boolean;
}

/** One of so many is tried; another seed tries others. */
const SHARE: Readonly<Record<Form, number>> = { short: 127, long: 7 };
/** Under the test's own rights the name is what the running app uses itself. */
const IN_USE = ['app.socket', 'app-a.socket', 'app-a.pid', 'app-a.backend.json', 'app-a.log'];

function* variants(): Iterable<Variant> {
  for (const plant of PLANTS)
    for (const name of Object.keys(NAMES) as Name[])
      for (const command of COMMANDS)
        for (const serving of [false, true]) {
          if (NAMES[name] === plant.what) continue; // as it should be
          if (serving && (IN_USE.includes(name) || command[0] === 'restart' || command[0] === 'stop')) continue;
          yield { name, plant, command, serving };
        }
}

export function plantedCases(form: Form): readonly Case[] {
  const all = [...variants()];
  return everyNth(all, SHARE[form], 'planted').map((variant) => {
    const { name, plant, command, serving } = variant;
    const row = `in the place of a file of ours: ${plant.byUs ? 'what we made ourselves' : 'what another user made'}`;
    return {
      row,
      name: `${plant.what} at ${name}: ${command.join(' ')}${serving ? ', serving' : ''}`,
      tried: ['I1', 'I3', 'I5', 'I7', 'clear'],
      run: () => plantAndTry(variant),
    };
  });
}

async function plantAndTry({ name, plant, command, serving }: Variant): Promise<void> {
  await using app = await createTestApp();
  using strangers = startStrangers(app.dir);
  const precious = join(app.dir, 'precious');
  writeFileSync(precious, 'precious', { mode: 0o640 });
  if (serving) await app.succeed('start');
  else mkdirSync(app.stateDir, { mode: 0o750 });
  const path = app.file(name);
  rmSync(path, { force: true, recursive: true });
  plant.make(path, precious);
  const before = [fingerprint(path), fingerprint(precious)];
  const linkBefore = serving ? app.linkIdentity() : '';
  const backends = app.processes();

  const run = await attempt(app, command);
  const what = `\`${command.join(' ')}\` with ${plant.what} at ${name}`;
  const changes = CHANGING.some(([verb]) => verb === command[0]) && command[1] !== '--inactive';
  if (changes && mustBeRefused(name, plant))
    assertRefused(run, name === 'app.socket' ? (run.code === 1 ? 1 : 2) : 2, path, what);
  if (run.code === 1 || run.code === 2) {
    // A slot that is not running is told as that.
    if (run.failure?.code !== 'slot-not-ready') assertNames(run, path, what);
    for (const file of before) assertUntouched(file);
    const now = app.processes();
    assert.ok(
      backends.every((pid) => now.includes(pid)),
      'I3: refused, and yet backends have gone',
    );
    if (serving) assert.equal(app.linkIdentity(), linkBefore, 'refused, and yet the link was moved');
  }
  const target = before[1];
  const isOurLog = NAMES[name] === 'a log' && plant.byUs;
  if (target !== undefined && !isOurLog) assertUntouched(target);
  if (serving) assert.equal((await app.get('/')).status, 200, 'I1');
  strangers.assertAlive();

  rmSync(path, { force: true, recursive: true });
  await app.succeed('update');
  assert.equal((await app.get('/')).status, 200, 'I5: after it was taken away, nothing serves');
  strangers.assertAlive();
}
