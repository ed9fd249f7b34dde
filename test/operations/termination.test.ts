// The end of a backend: all of it goes, whatever it thinks of signals, and nothing but it.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { allOrFirst } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { runs } from '../rig/processes.ts';
import { createTestApp, eventsOf, NODE_APP, type Run } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const signals = (run: Run): readonly string[] => eventsOf(run, 'backend-signalled').map((event) => event.signal);

const shell = (script: string) => ({ command: ['sh', '-c', script, process.execPath, NODE_APP], stopTimeout: '1s' });

onEachHost('stopping a backend', (createApp) => {
  it('that closes well takes the stop signal and nothing more', async () => {
    await using app = await createApp();
    await app.succeed('start');
    const run = await app.succeed('stop', '--all');
    assert.deepEqual(signals(run), ['SIGTERM']);
    assert.equal(eventsOf(run, 'backend-stopped')[0]?.killed, false);
  });

  it('uses the signal that is configured', async () => {
    await using app = await createApp({ config: { stopSignal: 'SIGQUIT' } });
    await app.succeed('start');
    assert.deepEqual(signals(await app.succeed('stop', '--all')), ['SIGQUIT']);
    assert.deepEqual(app.processes(), []);
  });

  it('that ignores the stop signal ends by SIGKILL after stopTimeout, and each step is told', async () => {
    await using app = await createApp({ env: { APP_ON_SIGTERM: 'ignore' }, config: { stopTimeout: '300ms' } });
    await app.succeed('start');
    const run = await app.succeed('stop', '--all');
    assert.deepEqual(signals(run), ['SIGTERM', 'SIGKILL']);
    const [stopped] = eventsOf(run, 'backend-stopped');
    assert.equal(stopped?.killed, true);
    assert.ok(stopped.ms >= 300, `only ${stopped.ms} ms`);
    assert.deepEqual(app.processes(), []);
  });

  it('that is suspended (SIGSTOP) ends all the same', async () => {
    await using app = await createApp({ config: { stopTimeout: '300ms' } });
    await app.succeed('start', '--all');
    const pid = app.pid('b') ?? assert.fail();
    process.kill(pid, 'SIGSTOP');
    await app.succeed('stop', 'b');
    assert.equal(runs(pid), false);
    assert.deepEqual(app.processes(), [app.pid('a')]);
  });

  const FAMILIES: Readonly<Record<string, string>> = {
    'behind a shell that passes no signal on': '"$0" "$1"; exit $?',
    'with a child in the background': '"$0" "$1" & wait',
    'with a child in a session of its own': 'setsid "$0" "$1" & wait',
    'with a child that dropped our mark from its environment': 'env -u GRACEFUL_INSTANCE "$0" "$1" & wait',
    'with children that do not listen': 'sleep 1000 & setsid sleep 1000 & exec "$0" "$1"',
    'whose children ignore the stop signal': 'trap "" TERM; sleep 1000 & "$0" "$1"; wait',
  };
  for (const [what, script] of allOrFirst(Object.entries(FAMILIES)))
    it(`${what} leaves nothing of it`, async () => {
      await using app = await createApp({ config: shell(script) });
      await app.succeed('start');
      assert.ok(app.processes().length > 1);
      await app.succeed('stop', '--all');
      assert.deepEqual(app.processes(), []);
    });

  it('leaves a stranger alone who happens to have been started by the app and left it', async () => {
    await using app = await createApp({
      config: shell('env -i setsid sleep 1000 & echo $! > "$GRACEFUL_SOCKET.stranger"; exec "$0" "$1"'),
    });
    await app.succeed('start');
    const stranger = Number(readFileSync(app.file('app-a.socket.stranger'), 'utf8'));
    try {
      await app.succeed('stop', '--all');
      assert.ok(runs(stranger));
    } finally {
      process.kill(stranger, 'SIGKILL');
    }
  });
});

// One-shot only. A supervisor starts the next one by itself as soon as the leader is killed.
describe('a backend [one-shot]', { concurrency: 4, timeout: 600_000 }, () => {
  const ORPHANS: Readonly<Record<string, string>> = {
    'and marked': '"$0" "$1" & wait',
    'and known by the socket that it holds': 'env -u GRACEFUL_INSTANCE "$0" "$1" & wait',
    'in another session': 'setsid "$0" "$1" & wait',
  };
  for (const [what, script] of allOrFirst(Object.entries(ORPHANS)))
    it(`whose leader was killed and whose child still holds the socket, ${what}, makes way for the next one`, async () => {
      await using app = await createTestApp({ config: shell(script) });
      await app.succeed('start');
      const leader = app.pid('a') ?? assert.fail();
      const orphan = app.processes().find((pid) => pid !== leader) ?? assert.fail();
      process.kill(leader, 'SIGKILL');
      await until('the leader has gone', () => !runs(leader));
      assert.ok(runs(orphan));
      app.deploy('2');
      const run = await app.succeed('start', 'a');
      assert.equal(eventsOf(run, 'backend-found-dead')[0]?.pid, leader);
      assert.equal(runs(orphan), false);
      assert.equal((await app.get('/')).version, '2');
    });
});
