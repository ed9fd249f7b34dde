// Readiness from the app itself: sd_notify(3), and the `ready` message of Node apps that were made for pm2.
import assert from 'node:assert/strict';
import { appendFileSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { type CreateApp, type HostedApp, onEachHost } from '../rig/hosts.ts';
import { inRepo } from '../rig/paths.ts';
import { skipUnless } from '../rig/requirements.ts';
import { assertExit, eventsOf, failureOf, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const NOTIFIES = inRepo('test/apps/fixtures/notifies.py');
const MADE_FOR_PM2 = inRepo('test/apps/fixtures/made-for-pm2.mjs');
const NOTIFY = { type: 'notify', interval: '10ms' };
const IPC = [
  { type: 'ipc', interval: '10ms' },
  { type: 'http', path: '/' },
];

/** The app says what is in its file; it is empty so far. */
async function quiet(createApp: CreateApp, app: string, config: object, env: Record<string, string> = {}) {
  const created = await createApp({ app, config: { ...config } });
  created.deploy('1', { APP_SAYS: join(created.dir, 'says'), ...env });
  return created;
}
const say = (app: TestApp, line: string): void => appendFileSync(join(app.dir, 'says'), `${line}\n`);
const log = (app: TestApp, slot = 'a'): string => readFileSync(app.file(`app-${slot}.log`), 'utf8');
const slotA = async (app: TestApp) => (await app.status()).slots[0];
const untilHeard = (app: TestApp, detail: string) =>
  until(`the status says ${detail}`, async () => (await slotA(app))?.health?.detail.includes(detail));

onEachHost('a backend that notifies', (createApp) => {
  const notifying = (health: unknown = NOTIFY, config: object = {}, env = {}): Promise<HostedApp> =>
    quiet(createApp, NOTIFIES, { health, ...config }, env);

  it('is ready when it says READY=1 and not before, whatever the number of datagrams and lines', async () => {
    await using app = await notifying();
    const start = app.spawnGraceful(['start', '--json']);
    await start.event('still-waiting', ({ detail }) => detail === 'notify: no READY=1 yet');
    assert.equal(statSync(app.file('app-a.notify')).mode & 0o777, 0o600);
    say(app, 'MAINPID=1\\nSTATUS=loading\\u001b[31m cities');
    say(app, 'READY=0');
    await untilHeard(app, 'notify: no READY=1 yet, loading');
    assert.equal((await slotA(app))?.state, 'starting');
    say(app, 'STATUS=takes requests\\nREADY=1');
    const run = await start.finished;
    assertExit(run, 0);
    assert.equal(
      eventsOf(run, 'backend-ready')[0]?.detail,
      'notify: ready, takes requests; connect: accepts connections',
    );
    const health = (await slotA(app))?.health;
    assert.deepEqual([health?.ok, health?.detail.split(';')[0]], [true, 'notify: ready, takes requests']);
    await app.succeed('keepalive');
    say(app, 'STATUS=goes on');
    await until('it goes on', () => /said 'STATUS=goes on'|not heard/.test(log(app)));
    assert.equal((await slotA(app))?.state, 'ready', 'whether or not somebody listens');
    await app.succeed('stop', '--all');
    assert.deepEqual([existsSync(app.file('app-a.notify')), existsSync(app.file('app-a.said.json'))], [false, false]);
  });

  it('that never says so gets no traffic', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await notifying(NOTIFY, { startTimeout: '10s' });
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.equal(failureOf(run, 'not-ready').details.lastProbe, 'notify: no READY=1 yet');
    assert.deepEqual(app.processes(), []);
  });

  it('gets more time to start and to stop when it asks for that', {
    skip: SKIP_IN_SHORT || skipUnless('systemd'),
  }, async () => {
    // At once, however long Python takes to start.
    const command = ['sh', '-c', 'systemd-notify EXTEND_TIMEOUT_USEC=60000000; exec python3 -u "$0"', NOTIFIES];
    const config = { command, startTimeout: '10s', stopTimeout: '2s' };
    await using app = await notifying(NOTIFY, config, { APP_STOP_MS: '3000' });
    const start = app.spawnGraceful(['start', '--json']);
    const { pid } = await start.event('backend-started');
    await until('startTimeout has passed', async () => ((await slotA(app))?.uptimeMs ?? 0) > 10_500);
    say(app, 'READY=1');
    assertExit(await start.finished, 0);
    const stopped = eventsOf(await app.succeed('stop', '--all'), 'backend-stopped')[0];
    assert.deepEqual([stopped?.pid, stopped?.killed], [pid, false]);
    assert.match(log(app), /stopped in its own time/);
  });

  it('that has workers is ready with the first of them', { skip: skipUnless('systemd') }, async () => {
    const command = ['sh', '-c', 'test $GRACEFUL_WORKER = 1 && systemd-notify READY=1 STOPPING=1; exec node "$0"'];
    const app_ = inRepo('test/apps/node-app.mjs');
    await using app = await notifying([NOTIFY, { type: 'connect' }], {
      command: [...command, app_],
      listen: 'inherit',
      workers: 2,
    });
    assertExit(await app.succeed('start'), 0);
    assert.equal((await slotA(app))?.state, 'ready');
  });

  it('by systemd-notify(1) from a shell is heard', { skip: skipUnless('systemd') }, async () => {
    const script = '"$0" "$1" & systemd-notify --ready --status="by a shell"; wait';
    const command = ['sh', '-c', script, process.execPath, inRepo('test/apps/node-app.mjs')];
    await using app = await notifying(NOTIFY, { command });
    const ready = eventsOf(await app.succeed('update'), 'backend-ready')[0];
    assert.match(ready?.detail ?? '', /^notify: ready, by a shell; connect:/);
  });
});

onEachHost('a Node app made for pm2', (createApp) => {
  it('is ready when its message comes, and goes on without the channel', async () => {
    await using app = await quiet(createApp, MADE_FOR_PM2, { health: IPC });
    const update = app.spawnGraceful(['update', '--json']);
    await update.event('still-waiting', ({ detail }) => detail === 'ipc: no ready message yet');
    writeFileSync(join(app.dir, 'says'), '');
    const run = await update.finished;
    assertExit(run, 0);
    assert.equal(eventsOf(run, 'backend-ready')[0]?.detail, 'ipc: ready; http: HTTP 200');
    await app.succeed('update');
    await app.succeed('keepalive');
    for (const slot of ['a', 'b']) assert.match(log(app, slot), /channel true\ndisconnected\n/);
    const { slots } = await app.status();
    assert.deepEqual(
      slots.map(({ state }) => state),
      ['ready', 'ready'],
    );
  });

  it('with an inherited socket has both', async () => {
    const command = ['sh', '-c', 'echo fds $LISTEN_FDS $NODE_CHANNEL_FD; exec "$0" "$1"', process.execPath];
    await using app = await quiet(createApp, MADE_FOR_PM2, {
      command: [...command, inRepo('test/apps/fixtures/made-for-pm2-fd.mjs')],
      listen: 'inherit',
      health: IPC,
    });
    await app.succeed('start');
    assert.match(log(app), /^fds 1 5\n/);
    assert.equal((await app.get('/')).body, 'hello');
  });

  for (const [onDisconnect, code] of [
    ['exit', 4],
    ['send', 1],
  ] as const)
    it(`that dies of the end of its channel (${onDisconnect}) is a failed update, and traffic stays where it is`, async () => {
      await using app = await quiet(createApp, MADE_FOR_PM2, { health: IPC });
      writeFileSync(join(app.dir, 'says'), '');
      await app.succeed('update');
      app.deploy('2', { APP_SAYS: join(app.dir, 'says'), APP_ON_DISCONNECT: onDisconnect });
      const run = await app.graceful('update');
      assertExit(run, 1);
      assert.equal(failureOf(run, 'backend-exited').details.exitCode, code);
      assert.equal((await app.get('/')).body, 'hello');
    });
});
