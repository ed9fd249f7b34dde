// The supervisor can be killed, upgraded, stopped and told to reread: what that does to the backends, and what it does not.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { allOrFirst, SKIP_IN_SHORT } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { environmentOf, runs } from '../rig/processes.ts';
import { assertExit, createTestApp, failureOf, type TestApp } from '../rig/test-app.ts';
import { ask, controlOf, NO_SCHEDULE, open, startSupervisor, supervise, untilServed } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';
import { openWebSocket } from '../rig/web-socket.ts';

interface Options {
  readonly name?: string;
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
}

const quietApp = ({ config, ...rest }: Options = {}): Promise<TestApp> =>
  createTestApp({ config: { schedule: NO_SCHEDULE, ...config }, ...rest });

const found = (app: TestApp): unknown => ({
  link: app.linkIdentity(),
  a: app.pid('a'),
  b: app.pid('b'),
  all: app.processes(),
});

describe('the manager and its backends', { concurrency: 3 }, () => {
  describe('SIGKILL to the supervisor', { concurrency: 2 }, () => {
    it('leaves the backends alone; commands work without it, and the next one adopts both and recovers them', async () => {
      await using app = await quietApp();
      {
        await using first = await supervise(app);
        await app.succeed('update');
        const before = found(app);
        await first.kill('SIGKILL');
        assert.deepEqual(found(app), before);
      }
      app.deploy('3');
      await app.succeed('update');
      await using next = await supervise(app);
      const adopted = next.events.filter((event) => event.type === 'backend-adopted');
      assert.deepEqual(
        adopted.map(({ slot, pid }) => [slot, pid]),
        [
          ['a', app.pid('a')],
          ['b', app.pid('b')],
        ],
      );
      assert.equal(
        next.events.some(({ type }) => type === 'backend-started'),
        false,
      );
      process.kill(app.pid(app.active() ?? 'a') ?? assert.fail(), 'SIGKILL');
      await next.event('switch-verified');
      assert.equal((await app.get('/')).status, 200);
      process.kill(app.pid(app.active() ?? 'a') ?? assert.fail(), 'SIGKILL');
      await next.event('backend-started');
      await until('it serves again', async () => (await app.get('/').catch(() => null))?.status === 200);
    });

    it('is remembered in what was desired: an app that was stopped on purpose stays down', async () => {
      await using app = await quietApp();
      {
        await using first = await supervise(app);
        await app.succeed('stop', '--all');
        await first.kill('SIGKILL');
      }
      await using next = await supervise(app);
      assert.deepEqual(app.processes(), []);
      assert.equal(
        next.events.some(({ type }) => type === 'backend-started'),
        false,
      );
    });

    it('in the middle of a start leaves a backend that the next supervisor knows, and the next update replaces', async () => {
      await using app = await quietApp();
      {
        await using first = await supervise(app);
        app.deploy('2', { APP_BROKEN: 'never-listens' });
        const update = app.spawnGraceful(['update', '--json']);
        await first.event('backend-started', ({ slot }) => slot === 'b');
        await first.kill('SIGKILL');
        assertExit(await update.finished, 5);
      }
      await using next = await supervise(app);
      await next.event('backend-adopted', ({ slot }) => slot === 'b');
      app.deploy('3', { APP_BROKEN: '' });
      await app.succeed('update');
      assert.equal((await app.get('/')).version, '3');
      assert.deepEqual(new Set(app.processes()), new Set([app.pid('a'), app.pid('b')]));
    });
  });

  describe('a supervisor that hands over', { concurrency: 2 }, () => {
    for (const how of allOrFirst(['SIGUSR2', 'POST /handover'] as const))
      it(`by ${how} leaves with exit code 0 and touches no backend`, async () => {
        await using app = await quietApp();
        await using supervisor = await supervise(app);
        await app.succeed('update');
        const before = found(app);
        if (how === 'SIGUSR2') supervisor.process.kill('SIGUSR2');
        else assert.equal((await ask(app, 'POST', '/handover')).status, 200);
        const { code, stdout, stderr } = await supervisor.ended;
        assert.equal(code, 0, stdout + stderr);
        assert.deepEqual(found(app), before);
        assert.equal(existsSync(controlOf(app)), false);
        assert.equal((await supervisor.event('supervisor-stopping')).backends, 'left running');
        await using next = await supervise(app);
        assert.equal(next.events.filter(({ type }) => type === 'backend-adopted').length, 2);
        assert.deepEqual(found(app), before);
      });

    it('finishes the operation that is at work, and tells its client', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.deploy('2');
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const update = app.spawnGraceful(['update', '--json']);
      await supervisor.event('operation-started', ({ operation }) => operation === 'update');
      supervisor.process.kill('SIGUSR2');
      await supervisor.event('supervisor-stopping');
      // It begins nothing any more. What cron calls takes that for a lock that somebody holds.
      const refused = await app.graceful('switch');
      assertExit(refused, 4);
      assert.match(failureOf(refused, 'busy').message, /is about to leave/);
      process.kill(app.pid('a') ?? assert.fail(), 'SIGKILL');
      const { outcome } = await app.succeed('keepalive');
      assert.equal(outcome?.operation === 'keepalive' && outcome.action, 'busy');
      await app.succeed('stop', '--inactive');
      fifo.release();
      assertExit(await update.finished, 0);
      assert.equal((await supervisor.ended).code, 0);
      assert.equal((await app.get('/')).version, '2');
    });

    it('lets nobody wait who follows its events', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const { response } = await open(app, 'GET', '/events');
      let text = '';
      const ended = new Promise<void>((resolve) => response.once('close', resolve));
      response.setEncoding('utf8').on('error', () => undefined);
      response.on('data', (chunk: string) => {
        text += chunk;
      });
      assert.equal((await supervisor.kill('SIGUSR2')).code, 0);
      await ended;
      assert.match(text, /"supervisor-stopping"/);
    });
  });

  describe('SIGTERM to the supervisor', { concurrency: 2 }, () => {
    it('finishes requests, stops all apps side by side, exits 0, and the next run starts them again', {
      skip: SKIP_IN_SHORT,
    }, async () => {
      await using one = await quietApp({
        name: 'one',
        env: { APP_ON_SIGTERM: 'exit', APP_SLOW_MS: '6000' },
        config: { drainTimeout: '60s' },
      });
      await using two = await quietApp({
        name: 'two',
        env: { APP_ON_SIGTERM: 'ignore', APP_SLOW_MS: '6000' },
        config: { stopTimeout: '3s', drainTimeout: '60s' },
      });
      await using three = await quietApp({
        name: 'three',
        env: { APP_ON_SIGTERM: 'ignore', APP_SLOW_MS: '6000' },
        config: { stopTimeout: '3s', drainTimeout: '60s' },
      });
      const apps = [one, two, three];
      {
        await using supervisor = await supervise(apps);
        await Promise.all(apps.map((app) => app.succeed('update')));
        const inFlight = apps.map((app) => app.get('/slow'));
        await until('the requests are being answered', async () =>
          (await Promise.all(apps.map((app) => ask(app, 'GET', '/status')))).every(({ body }) =>
            /"accepted":1/.test(body),
          ),
        );
        const { code, stdout, stderr } = await supervisor.kill('SIGTERM');
        assert.equal(code, 0, stdout + stderr);
        for (const { status } of await Promise.all(inFlight)) assert.equal(status, 200);
        for (const app of apps) assert.deepEqual(app.processes(), [], app.name);
        assert.equal(stdout.includes('connections-cut'), false);
        // These two need a SIGKILL each: the one is told to stop before the other has.
        const times = (type: 'backend-signalled' | 'backend-stopped', app: string): readonly number[] =>
          supervisor.events.filter((event) => event.type === type && event.app === app).map(({ at }) => Date.parse(at));
        for (const [app, other] of [
          ['two', 'three'],
          ['three', 'two'],
        ] as const)
          assert.ok(Math.min(...times('backend-signalled', app)) < Math.max(...times('backend-stopped', other)), app);
      }
      for (const app of apps) assert.equal((await app.status()).desired, 'up');
      await using _next = await supervise(apps);
      for (const app of apps) assert.equal((await app.get('/')).status, 200);
    });

    it('undoes an update that is at work rather than wait for it', async () => {
      await using app = await quietApp({ config: { startTimeout: '1h' } });
      await using supervisor = await supervise(app);
      app.deploy('2', { APP_BROKEN: 'never-listens' });
      const update = app.spawnGraceful(['update', '--json']);
      await update.event('waiting', (event) => event.for === 'ready');
      const { code } = await supervisor.kill('SIGTERM');
      assert.equal(code, 0);
      const run = await update.finished;
      assertExit(run, 1);
      assert.equal(run.failure?.code, 'aborted');
      assert.deepEqual(app.processes(), []);
    });

    it('while it starts an app that takes long: that is undone, too', async () => {
      await using app = await quietApp({ config: { startTimeout: '1h' }, env: { APP_BROKEN: 'never-listens' } });
      await using supervisor = startSupervisor(app);
      await supervisor.event('backend-started');
      assert.equal((await supervisor.kill('SIGTERM')).code, 0);
      assert.deepEqual(app.processes(), []);
      assert.equal((await app.status()).desired, 'up');
    });

    it('while it has only begun: nothing is started, and it ends at once', async () => {
      const apps = await Promise.all(['one', 'two', 'three', 'four'].map((name) => quietApp({ name })));
      try {
        await using supervisor = startSupervisor(apps);
        await supervisor.event('supervisor-started', ({ app }) => app === 'one');
        const { code, stdout } = await supervisor.kill('SIGTERM');
        assert.equal(code, 0, stdout);
        for (const app of apps) assert.deepEqual(app.processes(), [], stdout);
      } finally {
        for (const app of apps) await app[Symbol.asyncDispose]();
      }
    });

    it('waits for connections as long as drainTimeout says; a second one hurries past them', async () => {
      await using app = await quietApp({ config: { drainTimeout: '1h' } });
      await using supervisor = await supervise(app);
      const client = await openWebSocket({ socketPath: app.link });
      supervisor.process.kill('SIGTERM');
      await supervisor.event('waiting', (event) => event.for === 'drain');
      assert.equal(await client.echo('still here'), 'still here');
      // Without it, that would be in an hour.
      const { code, stdout } = await supervisor.kill('SIGTERM');
      assert.equal(code, 0, stdout);
      assert.deepEqual(app.processes(), []);
      client.close();
    });

    it('goes for SIGINT as well', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      assert.equal((await supervisor.kill('SIGINT')).code, 0);
      assert.deepEqual(app.processes(), []);
    });
  });

  describe('SIGHUP to the supervisor', { concurrency: 2 }, () => {
    it('reads the configuration afresh and updates: the new environment arrives', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      app.deploy('2', { ADDED: 'since' });
      supervisor.process.kill('SIGHUP');
      await supervisor.event('config-reread');
      await supervisor.event('operation-completed', ({ operation }) => operation === 'update');
      assert.equal((await app.get('/')).version, '2');
      assert.equal(environmentOf(app.pid('b') ?? 0)['ADDED'], 'since');
    });

    it('leaves an app alone that was taken down on purpose', { skip: SKIP_IN_SHORT }, async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      await app.succeed('stop', '--all');
      supervisor.process.kill('SIGHUP');
      await supervisor.event('config-reread');
      assert.equal((await supervisor.kill('SIGUSR2')).code, 0);
      assert.deepEqual(app.processes(), []);
      assert.equal((await app.status()).desired, 'down');
    });

    it('keeps the old configuration where the new one is wrong, and says what is wrong', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const before = found(app);
      app.configure({ schedul: {} });
      supervisor.process.kill('SIGHUP');
      const { message } = await supervisor.event('config-rejected');
      assert.match(message, /schedul/);
      app.configure({ schedul: undefined, schedule: { keepalive: '99 * * * *' } });
      supervisor.process.kill('SIGHUP');
      await supervisor.event('config-rejected', (event) => /schedule.keepalive/.test(event.message));
      app.configure({ schedule: NO_SCHEDULE, name: 'renamed' });
      supervisor.process.kill('SIGHUP');
      await supervisor.event('config-rejected', (event) => /name and stateDir/.test(event.message));
      assert.deepEqual(found(app), before);
      app.configure({ name: 'app' });
      app.deploy('2');
      supervisor.process.kill('SIGHUP');
      await untilServed(app, '2');
    });

    it('reads a configuration that is a program afresh, too, with what it imports', async () => {
      await using app = await quietApp();
      const program = join(app.dir, 'graceful.config.mjs');
      const write = (version: string): void => {
        const { APP_VERSION_FILE: _, ...env } = { APP_VERSION_FILE: '', APP_VERSION: version };
        writeFileSync(join(app.dir, 'version.mjs'), `export const env = ${JSON.stringify(env)};\n`);
        writeFileSync(
          program,
          `import { env } from './version.mjs';\nexport default ${JSON.stringify({
            command: [process.execPath, join(import.meta.dirname, '../../../test/apps/node-app.mjs')],
            stateDir: 'run',
            schedule: NO_SCHEDULE,
          }).replace(/\}$/, ', env }')};\n`,
        );
      };
      write('1');
      await using supervisor = await supervise(app, { configs: [program] });
      assert.equal((await app.get('/')).version, '1');
      for (const version of ['2', '3']) {
        write(version);
        supervisor.process.kill('SIGHUP');
        await untilServed(app, version);
      }
    });

    it('is not needed for a command: what it starts has the configuration of now', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      app.deploy('2', { ADDED: 'since' });
      await app.succeed('update');
      assert.equal(environmentOf(app.pid('b') ?? 0)['ADDED'], 'since');
      // Nor for what is restarted because it died.
      await app.succeed('stop', 'a');
      app.deploy('3', { ADDED: 'later' });
      const since = supervisor.mark();
      process.kill(app.pid('b') ?? assert.fail(), 'SIGKILL');
      await supervisor.event('switch-verified', ({ slot }) => slot === 'a', since);
      assert.equal(environmentOf(app.pid('a') ?? 0)['ADDED'], 'later');
    });
  });

  describe('a supervisor that cannot start', { concurrency: 2 }, () => {
    it('ends with exit code 2 at a schedule that cron does not understand, and leaves no socket', async () => {
      await using app = await createTestApp({ config: { schedule: { keepalive: '99 * * * *' } } });
      await using supervisor = startSupervisor(app);
      const { code, stdout } = await supervisor.ended;
      assert.equal(code, 2, stdout);
      assert.match(stdout, /schedule\.keepalive/);
      assert.equal(existsSync(controlOf(app)), false);
      assert.deepEqual(app.processes(), []);
    });

    it('ends with exit code 1 where --metrics-listen is taken', async () => {
      await using app = await quietApp();
      await using holder = await quietApp();
      await using first = await supervise(holder, { args: ['--metrics-listen', '127.0.0.1:0'] });
      const port = /127\.0\.0\.1:(\d+)/.exec(first.stdout())?.[1] ?? assert.fail();
      await using second = startSupervisor(app, { args: ['--metrics-listen', `127.0.0.1:${port}`] });
      assert.equal((await second.ended).code, 1);
      assert.deepEqual(app.processes(), []);
    });
  });

  it('two apps in one state dir do not get into each other’s way', { skip: SKIP_IN_SHORT }, async () => {
    await using one = await quietApp({ name: 'one' });
    await using two = await quietApp({ name: 'two', config: { stateDir: one.stateDir } });
    await using supervisor = await supervise([one, two]);
    const rounds = 5;
    for (let round = 0; round < rounds; round += 1) {
      const runs = await Promise.all([
        one.graceful('update'),
        two.spawnGraceful(['update', '--json']).finished,
        one.graceful('status'),
      ]);
      for (const run of runs) assertExit(run, 0);
    }
    const told = supervisor.events.map(({ type }) => type);
    assert.equal(told.includes('lock-taken-over'), false, 'a lock was left behind');
    assert.equal(told.includes('abort-requested'), false, 'a lock was lost');
    for (const file of ['one-a', 'one-b', 'two-a', 'two-b'])
      assert.ok(runs(Number(readFileSync(one.file(`${file}.pid`), 'utf8'))), file);
  });
});
