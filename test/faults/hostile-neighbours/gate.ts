// The abstract socket around taking the lock: any user may squat it. And temp names that somebody else made.
import assert from 'node:assert/strict';
import { linkSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { gateName } from '../../../src/system/gate.ts';
import { statePaths } from '../../../src/system/state-paths.ts';
import { createTestApp } from '../../rig/test-app.ts';
import { watch } from '../kit/invariants.ts';
import { everyNth } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';
import { assertRefused, attempt, CHANGING } from './commands.ts';
import { give } from './neighbour.ts';
import { assertUntouched, fingerprint } from './plants.ts';

export function gateCases(form: Form): readonly Case[] {
  const all = [...squatted(), ...knockedAt(), ...tempNames()];
  return form === 'long' ? all : everyNth(all, 23, 'gate');
}

function* squatted(): Iterable<Case> {
  for (const command of CHANGING)
    yield {
      row: 'somebody keeps the gate to the lock shut',
      name: `squatted: ${command.join(' ')}`,
      tried: ['I1', 'I3', 'I5', 'clear'],
      async run() {
        await using app = await createTestApp();
        await app.succeed('start');
        await using witness = await watch(app);
        const before = app.linkIdentity();
        const gate = createServer().listen(`\0${gateName(statePaths(app.stateDir, 'app'))}`);
        const startedAt = performance.now();
        // Healthy, and so nothing is taken for it.
        const run = await attempt(app, command);
        const ms = performance.now() - startedAt;
        gate.close();
        assertRefused(run, 2, app.file('app.lock'), command.join(' '));
        assert.ok(ms < 15_000, `clear: it took ${ms} ms`);
        assert.equal(app.linkIdentity(), before);
        await witness.check({ again: ['update'] });
      },
    };
}

function* knockedAt(): Iterable<Case> {
  for (const command of CHANGING)
    for (let round = 0; round < 4; round += 1) {
      if (command[0] === 'stop' || command[0] === 'run') continue;
      yield {
        row: 'somebody knocks at the gate to the lock without end',
        name: `knocking ${round}: ${command.join(' ')}`,
        tried: ['I1', 'I2', 'I3', 'I5', 'I7', 'clear'],
        async run() {
          await using app = await createTestApp();
          await app.succeed('start', '--all');
          await using witness = await watch(app);
          const name = `\0${gateName(statePaths(app.stateDir, 'app'))}`;
          let goesOn = true;
          const knock = (): void => {
            if (!goesOn) return;
            const socket = connect(name);
            socket.on('error', () => undefined);
            socket.on('close', () => setTimeout(knock, 1));
          };
          for (let count = 0; count < 16; count += 1) knock();
          const run = await attempt(app, command);
          goesOn = false;
          assert.equal(run.code, 0, `${run.stdout}${run.stderr}`);
          await witness.check({ told: run.events, again: ['update'] });
        },
      };
    }
}

function* tempNames(): Iterable<Case> {
  const names = ['.app.socket', '.app-a.pid', '.app-b.backend.json', '.app.desired.json', '.app.lock-holder.json'];
  const kinds = ['a link', 'a hard link', 'a file of theirs', 'a directory'] as const;
  for (const name of names)
    for (const kind of kinds)
      for (const command of CHANGING)
        yield {
          row: 'a neighbour uses the names of our temp files',
          name: `${kind} at ${name}: ${command.join(' ')}`,
          tried: ['I1', 'I3', 'I5', 'clear'],
          async run() {
            await using app = await createTestApp();
            mkdirSync(app.stateDir, { mode: 0o750 });
            await app.succeed('start', '--all');
            const precious = join(app.dir, 'precious');
            writeFileSync(precious, 'precious');
            const path = app.file(`${name}.0123456789ab.tmp`);
            if (kind === 'a link') symlinkSync(precious, path);
            else if (kind === 'a hard link') linkSync(precious, path);
            else if (kind === 'a directory') mkdirSync(path);
            else writeFileSync(path, 'theirs');
            give(path);
            const before = fingerprint(precious);
            const run = await attempt(app, command);
            assert.equal(run.code, 0, `${run.stdout}${run.stderr}`);
            assertUntouched(before);
            await app.succeed('update');
            assert.equal((await app.get('/')).status, 200);
          },
        };
}
