// What systemd is told, with a real datagram socket in systemd's place.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { need, skipUnless } from '../rig/requirements.ts';
import { createTestApp, type TestApp } from '../rig/test-app.ts';
import { NO_SCHEDULE, startSupervisor, supervise } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

// Prints each datagram as one line of JSON: Node has no datagram unix sockets.
const LISTENER = `
import json, os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
while True:
    print(json.dumps(s.recv(65536).decode()), flush=True)
`;

interface Systemd extends AsyncDisposable {
  readonly env: NodeJS.ProcessEnv;
  /** Each message as its lines. */
  readonly messages: readonly (readonly string[])[];
  /** The first message with this line, past or to come. */
  told(line: string | RegExp, since?: number): Promise<readonly string[]>;
}

async function playSystemd(app: TestApp): Promise<Systemd> {
  const path = join(app.dir, 'notify');
  const child = spawn(need('python3'), ['-u', '-c', LISTENER, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const messages: (readonly string[])[] = [];
  createInterface({ input: child.stdout }).on('line', (line) =>
    messages.push((JSON.parse(line) as string).split('\n').filter(Boolean)),
  );
  await until('the socket is there', () => existsSync(path));
  return {
    env: { NOTIFY_SOCKET: path },
    messages,
    told: (wanted, since = 0) =>
      until(`systemd is told ${wanted}`, () =>
        messages
          .slice(since)
          .find((lines) => lines.some((line) => (typeof wanted === 'string' ? line === wanted : wanted.test(line)))),
      ),
    async [Symbol.asyncDispose]() {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

const quietApp = (config: Readonly<Record<string, unknown>> = {}): Promise<TestApp> =>
  createTestApp({ config: { schedule: NO_SCHEDULE, ...config } });

describe('systemd is told', { concurrency: 3, skip: skipUnless('systemd', 'python3') }, () => {
  it('READY=1 when the app is up, with one line for people, and STOPPING=1 at the end', async () => {
    await using app = await quietApp();
    await using systemd = await playSystemd(app);
    await using supervisor = startSupervisor(app, { env: systemd.env });
    const lines = await systemd.told('READY=1');
    assert.equal((await app.get('/')).status, 200, 'it was up by then');
    assert.ok(lines.includes('STATUS=app: a ready'), lines.join(' '));
    assert.equal((await supervisor.kill('SIGTERM')).code, 0);
    await systemd.told('STOPPING=1');
    const told = systemd.messages.flat().filter((line) => /^(READY|STOPPING)=/.test(line));
    assert.deepEqual(told, ['READY=1', 'STOPPING=1']);
    assert.ok(systemd.messages.flat().includes('STATUS=draining and stopping the backends'));
  });

  it('READY=1, too, when an app cannot be brought up: the others are, and status says which is not', async () => {
    await using bad = await createTestApp({
      name: 'bad',
      config: { schedule: NO_SCHEDULE },
      env: { APP_BROKEN: 'exits' },
    });
    await using good = await createTestApp({ name: 'good', config: { schedule: NO_SCHEDULE } });
    await using systemd = await playSystemd(good);
    await using _supervisor = startSupervisor([bad, good], { env: systemd.env });
    const lines = await systemd.told('READY=1');
    assert.ok(lines.includes('STATUS=bad: nothing active, good: a ready'), lines.join(' '));
  });

  it('nothing of readiness while the app is still starting, nor when it is stopped meanwhile', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE }, env: { APP_BROKEN: 'never-listens' } });
    await using systemd = await playSystemd(app);
    await using supervisor = startSupervisor(app, { env: systemd.env });
    await supervisor.event('waiting', (event) => event.for === 'ready');
    assert.equal((await supervisor.kill('SIGTERM')).code, 0);
    await systemd.told('STOPPING=1');
    assert.equal(systemd.messages.flat().includes('READY=1'), false, JSON.stringify(systemd.messages));
  });

  it('RELOADING=1 at SIGHUP with the time on the monotonic clock, and READY=1 when the new version serves', async () => {
    await using app = await quietApp();
    await using systemd = await playSystemd(app);
    await using supervisor = startSupervisor(app, { env: systemd.env });
    await systemd.told('READY=1');
    const since = systemd.messages.length;
    app.deploy('2');
    supervisor.process.kill('SIGHUP');
    const lines = await systemd.told('RELOADING=1', since);
    const stamp = Number(lines.find((line) => /^MONOTONIC_USEC=\d+$/.test(line))?.split('=')[1]);
    assert.ok(Math.abs(Number(process.hrtime.bigint() / 1000n) - stamp) < 60_000_000);
    await systemd.told('READY=1', since);
    assert.equal((await app.get('/')).version, '2');
    await systemd.told('STATUS=app: b ready', since);
  });

  it('WATCHDOG=1 twice as often as WATCHDOG_USEC asks for, while an app is still starting as well', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE }, env: { APP_BROKEN: 'never-listens' } });
    await using systemd = await playSystemd(app);
    const startedAt = performance.now();
    await using _supervisor = startSupervisor(app, { env: { ...systemd.env, WATCHDOG_USEC: '400000' } });
    const beats = () => systemd.messages.flat().filter((line) => line === 'WATCHDOG=1').length;
    // From the very start: they may reach us late, and then several at once.
    await until('15 beats', () => beats() >= 15);
    assert.ok(performance.now() - startedAt >= 2_700, 'not more often than asked for');
  });

  it('no WATCHDOG=1 where the watchdog is somebody else’s', async () => {
    await using app = await quietApp();
    await using systemd = await playSystemd(app);
    await using supervisor = startSupervisor(app, {
      env: { ...systemd.env, WATCHDOG_USEC: '20000', WATCHDOG_PID: String(process.pid) },
    });
    await systemd.told('READY=1');
    await supervisor.kill('SIGTERM');
    assert.equal(systemd.messages.flat().includes('WATCHDOG=1'), false);
  });

  it('nothing by the backends: the socket is not theirs', async () => {
    await using app = await quietApp();
    const env = join(app.dir, 'env');
    await using systemd = await playSystemd(app);
    app.configure({ hooks: { afterSwitch: ['sh', '-c', `env > ${env}`] } });
    await using _supervisor = await supervise(app, { env: { ...systemd.env, WATCHDOG_USEC: '60000000' } });
    const { environmentOf } = await import('../rig/processes.ts');
    const theirs = environmentOf(app.pid('a') ?? 0);
    assert.deepEqual([theirs['NOTIFY_SOCKET'], theirs['WATCHDOG_USEC']], [undefined, undefined]);
  });
});

describe('where systemd cannot be told', { concurrency: 2 }, () => {
  it('because systemd-notify is not installed, that is said once, and everything else goes on', async () => {
    await using app = await quietApp();
    const bin = join(app.dir, 'bin');
    mkdirSync(bin);
    symlinkSync('/bin/sh', join(bin, 'sh'));
    await using supervisor = await supervise(app, {
      env: { PATH: bin, NOTIFY_SOCKET: join(app.dir, 'notify'), WATCHDOG_USEC: '100000' },
    });
    await app.succeed('update');
    await until('it is said', () => supervisor.stderr() !== '');
    const { code, stderr } = await supervisor.kill('SIGTERM');
    assert.equal(code, 0);
    assert.equal(stderr, 'graceful: systemd is not told: systemd-notify is not installed\n');
  });

  it('because nobody listens there, everything else goes on', { skip: skipUnless('systemd') }, async () => {
    await using app = await quietApp();
    await using supervisor = await supervise(app, { env: { NOTIFY_SOCKET: join(app.dir, 'nobody') } });
    const { code } = await supervisor.kill('SIGTERM');
    assert.equal(code, 0);
  });
});
