import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { historyTable } from '../../src/cli/history-table.ts';
import { serve, versionBefore } from '../../src/core/versions.ts';
import { type BackendRecord, readRecord, writeRecord } from '../../src/system/backend-record.ts';
import { openDesired } from '../../src/system/desired.ts';
import { readHistory } from '../../src/system/history.ts';
import { readLockHolder } from '../../src/system/lock.ts';
import { endOrphan } from '../../src/system/orphans.ts';
import { releaseAt } from '../../src/system/release.ts';
import { addSaid, beginSaid, probeSaid } from '../../src/system/said.ts';
import { standsBy, withStandby } from '../../src/system/standby.ts';
import { type StatePaths, statePaths } from '../../src/system/state-paths.ts';
import { openVersions } from '../../src/system/versions.ts';
import { type Damage, damagesOf } from '../faults/bad-input/wrong-values.ts';
import { createTestApp, type TestApp } from '../rig/test-app.ts';

/** What says whom a record names: with any of it wrong, nobody is certain. */
const CERTAIN = ['pid', 'startTicks', 'bootId', 'pidNamespace', 'instance', 'slot', 'stateDir'];

describe('state files as graceful wrote them, with one wrong value', () => {
  it('stop nobody who reads them, and cost what is wrong in them and no more', async () => {
    await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' } });
    // The files that are there only while an operation is at work.
    app.configure({ hooks: { beforeStart: ['/bin/sh', '-c', 'cp run/app.hook.json run/app.lock-holder.json .'] } });
    await app.succeed('start');
    await app.succeed('update');
    const paths = statePaths(app.stateDir, app.name);

    await tryEach(paths.history, ({ what }) => {
      const { entries, unreadable } = readHistory(paths);
      assert.equal(entries.length + unreadable, 2, what);
      const table = (colour: boolean): string => historyTable(entries, { colour, width: 80, now: 0 });
      // biome-ignore lint/suspicious/noControlCharactersInRegex: the colours.
      const shown = table(true).replaceAll(/\u001b\[\d+m/g, '');
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
      assert.doesNotMatch(shown, /[\u0000-\u0009\u000b-\u001f]/, what);
      assert.equal(shown, table(false), what);
    });
    await tryEach(paths.versions, async ({ what }) => {
      const versions = openVersions(paths.versions).read();
      const before = versionBefore(serve(versions, recordIn(app, 'b')));
      if (before === null) return;
      if (before.cwd !== app.dir) await releaseAt(app.dir, before.cwd);
      assert.ok(before.ended === null || !Number.isNaN(Date.parse(before.ended.at)), what);
    });
    openDesired(paths.desired).write('up', 'start');
    await tryEach(paths.desired, () => openDesired(paths.desired).read());
    await tryRecord(app, paths);
    await trySaid(paths, recordIn(app, 'a').instance);
    mkdirSync(paths.lock);
    await tryEach(paths.lockHolder, () => readLockHolder(paths), `${app.dir}/app.lock-holder.json`);
    await tryEach(paths.hook, () => endOrphan(paths.hook, paths.slots), `${app.dir}/app.hook.json`);
    assert.equal((await app.get('/')).status, 200);
  });
});

async function tryRecord(app: TestApp, paths: StatePaths): Promise<void> {
  writeRecord(paths.slots.a, withStandby(recordIn(app, 'a'), 60_000));
  const right = recordIn(app, 'a');
  await tryEach(paths.slots.a.backend, ({ what, field }) => {
    const state = readRecord(paths.slots.a, 'a', app.stateDir);
    const isUncertain = [...CERTAIN, '(all of it)'].some((name) => field === name || field.startsWith(`${name}.`));
    assert.ok(isUncertain || state.kind === 'alive', `${what}: ${state.kind}`);
    if (state.kind !== 'alive') return;
    const { record } = state;
    standsBy(record);
    assert.equal(record.pid, right.pid, what);
    for (const time of [record.startedAt, record.readyAt, record.stoppingAt])
      assert.ok(time === null || !Number.isNaN(Date.parse(time)), `${what}: ${time}`);
    // The kernel knows it to a hundredth of a second, and when it booted to a second.
    const isStartWrong = field === 'startedAt' && !what.includes('+275760');
    if (isStartWrong)
      assert.ok(Math.abs(Date.parse(record.startedAt) - Date.parse(right.startedAt)) < 30_000, record.startedAt);
  });
}

async function trySaid({ slots }: StatePaths, instance: string): Promise<void> {
  const { said } = slots.a;
  beginSaid(said, instance);
  addSaid(said, instance, () => ({ ready: ['notify'], status: 'warm' }));
  await tryEach(said, () => probeSaid('notify', { saidPath: said, instance, wasReady: false }));
}

function recordIn(app: TestApp, slot: 'a' | 'b'): BackendRecord {
  const state = readRecord(statePaths(app.stateDir, app.name).slots[slot], slot, app.stateDir);
  if (state.kind !== 'alive') assert.fail(state.kind);
  return state.record;
}

/** `like`: where it is as graceful wrote it, if no longer in its place. */
async function tryEach(path: string, deed: (damage: Damage) => unknown, like = path): Promise<void> {
  const right = readFileSync(like, 'utf8');
  for (const damage of damagesOf(like)) {
    writeFileSync(path, damage.text);
    await deed(damage);
  }
  writeFileSync(path, right);
}
