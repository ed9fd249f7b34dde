// Which version is before which: a list that going back moves along, and that only a new version changes.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { end, NO_VERSIONS, serve, type Version, type Versions, versionBefore } from '../../src/core/versions.ts';

const AT = '2026-01-01T00:00:00.000Z';
const backend = (instance: string, { cwd = `/srv/${instance}`, release = instance }: Partial<Version> = {}) => ({
  instance,
  slot: 'a' as const,
  cwd,
  release,
  startedAt: AT,
});
const served = (...instances: readonly string[]): Versions =>
  instances.reduce((versions, instance) => serve(versions, backend(instance)), NO_VERSIONS);
const stopped = (versions: Versions, instance: string): Versions => end(versions, instance, { at: AT, by: 'update' });
const before = (versions: Versions): string | null => versionBefore(versions)?.instance ?? null;

describe('the version before', () => {
  it('is none while nothing has served, and none before the first one', () => {
    assert.equal(before(NO_VERSIONS), null);
    assert.equal(before(served('1')), null);
  });
  it('is the one that was deployed before', () => assert.equal(before(served('1', '2', '3')), '2'));
  it('is, after going back, the one before that: never the one that was gone back from', () => {
    const back = serve(served('1', '2', '3'), backend('2'));
    assert.equal(before(back), '1');
    assert.equal(before(serve(back, backend('1'))), null);
  });
  it('is the same again after going forward', () => {
    assert.equal(before(serve(serve(served('1', '2'), backend('1')), backend('2'))), '1');
  });
  it('of a new version after going back is the one that was gone back to', () => {
    const versions = serve(serve(served('1', '2'), backend('1')), backend('3'));
    assert.equal(before(versions), '1');
    assert.deepEqual(
      versions.list.map(({ instance }) => instance),
      ['3', '1'],
    );
  });
  it('that is started anew takes its place in the list', () => {
    const versions = serve(served('1', '2', '3'), backend('2 again'), '2');
    assert.deepEqual(
      versions.list.map(({ instance }) => instance),
      ['3', '2 again', '1'],
    );
    assert.equal(before(versions), '1');
  });
  it('is not the same code from the same directory, started anew by keepalive', () => {
    const code = { cwd: '/srv/2', release: '2' };
    const died = end(served('1', '2'), '2', { at: AT, by: null });
    assert.equal(before(serve(died, backend('2 again', code))), '1');
  });
  it('stays, however often the one that serves crashes and is started anew', () => {
    const code = { cwd: '/srv/2', release: '2' };
    let versions = served('1', '2');
    for (let crash = 0; crash < 20; crash += 1) {
      versions = end(versions, versions.serving ?? '', { at: AT, by: null });
      versions = serve(versions, backend(`2, ${crash}`, code));
    }
    assert.equal(before(versions), '1');
    assert.equal(versions.list.length, 2);
  });
  it('is the same code from the same directory while its backend runs: its environment may be another one', () => {
    const versions = serve(served('1', '2'), backend('2 again', { cwd: '/srv/2', release: '2' }));
    assert.equal(before(versions), '2');
  });
  it('is the one that died where nothing tells whether it was other code', () => {
    const one = { ...backend('1', { cwd: '/srv' }), release: null };
    const died = end(serve(NO_VERSIONS, one), '1', { at: AT, by: null });
    assert.equal(before(serve(died, { ...one, instance: '2' })), '1');
  });
});

it('how a version ended is kept with it, and forgotten when it serves again', () => {
  const versions = stopped(served('1', '2'), '1');
  assert.deepEqual(versionBefore(versions)?.ended, { at: AT, by: 'update' });
  assert.equal(serve(versions, backend('1')).list.at(-1)?.ended, null);
});

it('only the last ten versions are kept', () => {
  const versions = served(...Array.from({ length: 15 }, (_, index) => String(index)));
  assert.equal(versions.list.length, 10);
  assert.equal(versions.list[0]?.instance, '14');
});
