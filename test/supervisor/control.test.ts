// The control socket: what `curl --unix-socket` and every other command of ours talk to.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { MAX_BODY_BYTES, OPERATION_ID_HEADER } from '../../src/control/protocol.ts';
import { listenForControl } from '../../src/control/server.ts';
import type { StatusReport } from '../../src/core/status.ts';
import { EventHub } from '../../src/hosts/supervisor/event-hub.ts';
import type { SupervisedApp } from '../../src/hosts/supervisor/supervised-app.ts';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { runs } from '../rig/processes.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { assertExit, createTestApp, eventsOf, failureOf, type Run, type TestApp } from '../rig/test-app.ts';
import {
  ask,
  controlOf,
  NO_SCHEDULE,
  open,
  type StreamedLine,
  startSupervisor,
  supervise,
  untilServed,
} from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

const quietApp = (config: Readonly<Record<string, unknown>> = {}): Promise<TestApp> =>
  createTestApp({ config: { schedule: NO_SCHEDULE, ...config } });

describe('the control socket of a supervisor', { concurrency: 3 }, () => {
  describe('the control socket', { concurrency: 2 }, () => {
    it('lets its owner in and nobody else', async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      assert.equal((statSync(controlOf(app)).mode & 0o777).toString(8), '600');
    });

    it('POST /operations/update streams its events and ends with the outcome', async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      app.deploy('2');
      const { status, headers, lines } = await ask(app, 'POST', '/operations/update', '{"input":{"stopOld":true}}');
      assert.equal(status, 200);
      assert.equal(headers['content-type'], 'application/x-ndjson');
      assert.match(String(headers[OPERATION_ID_HEADER]), /^\d+$/);
      assert.deepEqual(
        lines.slice(0, -1).map(({ event }) => event?.seq),
        lines.slice(0, -1).map((_, index) => index),
      );
      const { outcome } = lines.at(-1) ?? {};
      assert.deepEqual([outcome?.['operation'], outcome?.['to'], outcome?.['stoppedOld']], ['update', 'b', true]);
      assert.equal((await app.get('/')).version, '2');
    });

    it('ends with the failure where there is one, and the link is where it was', async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      const link = app.linkIdentity();
      app.deploy('2', { APP_BROKEN: 'exits' });
      const { lines } = await ask(app, 'POST', '/operations/update');
      assert.equal(lines.at(-1)?.failure?.code, 'backend-exited');
      assert.equal(app.linkIdentity(), link);
    });

    it('a configuration that is wrong by now fails the operation, as it fails the command', async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      app.configure({ drainTimeout: 'soon' });
      const { lines } = await ask(app, 'POST', '/operations/update');
      assert.equal(lines.at(-1)?.failure?.code, 'config');
      assert.match(lines.at(-1)?.failure?.message ?? '', /drainTimeout/);
      assertExit(await app.graceful('update'), 2);
      assert.equal((await app.get('/')).version, '1');
    });

    it('GET /status says what `status --json` says', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      await app.succeed('update');
      const { status, body } = await ask(app, 'GET', '/status');
      assert.equal(status, 200);
      assert.deepEqual(atRest(JSON.parse(body) as StatusReport), atRest(await app.status()));
      assert.deepEqual((JSON.parse(body) as StatusReport).supervisor, { pid: supervisor.pid, retry: null });
    });

    it('GET /events follows along', async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      const { response, request } = await open(app, 'GET', '/events');
      const seen: string[] = [];
      const lines = createInterface({ input: response });
      const done = new Promise<void>((resolve) => {
        lines.on('line', (line) => {
          const { event } = JSON.parse(line) as StreamedLine;
          if (event === undefined) return;
          assert.equal(event.app, 'app');
          seen.push(event.type);
          if (event.type === 'operation-completed') resolve();
        });
      });
      await app.succeed('update');
      await done;
      assert.equal(seen[0], 'operation-started');
      for (const type of ['backend-started', 'backend-ready', 'traffic-switched', 'switch-verified'])
        assert.ok(seen.includes(type), `${type} in ${seen.join(' ')}`);
      response.on('error', () => undefined);
      lines.on('error', () => undefined);
      request.destroy();
    });
  });

  /** Without what another look finds changed. */
  const atRest = (report: StatusReport): unknown => ({
    ...report,
    slots: report.slots.map(({ uptimeMs, rssBytes, cpuMs, connections, health, ...rest }) => ({
      ...rest,
      health: health && { ...health, ms: 0 },
    })),
  });

  /** Sends bytes as they are; resolves with what came back when the other side has hung up. */
  function raw(app: TestApp, bytes: string | Buffer): Promise<string> {
    return new Promise((resolve) => {
      const socket = connect(controlOf(app), () => socket.end(bytes));
      let text = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        text += chunk;
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(text));
    });
  }

  const httpPost = (path: string, body: string): string =>
    `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;

  describe('who does not speak properly to the control socket', { concurrency: 2 }, () => {
    const REFUSED: readonly (readonly [
      method: string,
      path: string,
      body: string | Buffer | undefined,
      status: number,
    ])[] = [
      ['GET', '/', undefined, 404],
      ['GET', '//', undefined, 404],
      ['GET', '/nothing', undefined, 404],
      ['GET', '/operations/update', undefined, 404],
      ['PUT', '/operations/update', '{}', 404],
      ['DELETE', '/status', undefined, 404],
      ['POST', '/status', '{}', 404],
      ['POST', '/operations', '{}', 404],
      ['POST', '/operations/', '{}', 404],
      ['POST', '/operations/upgrade', '{}', 404],
      ['POST', '/operations/constructor', '{}', 404],
      ['POST', '/operations/__proto__', '{}', 404],
      ['POST', '/operations/..%2f..', '{}', 404],
      ['POST', '/abort/99', undefined, 404],
      ['POST', '/operations/update', '{', 400],
      ['POST', '/operations/update', '[]', 400],
      ['POST', '/operations/update', 'null', 400],
      ['POST', '/operations/update', '"update"', 400],
      ['POST', '/operations/update', '{"inputs":{}}', 400],
      ['POST', '/operations/update', '{"input":[]}', 400],
      ['POST', '/operations/update', '{"input":{"stopold":true}}', 400],
      ['POST', '/operations/update', '{"input":{"stopOld":"yes"}}', 400],
      ['POST', '/operations/update', '{"input":{"__proto__":{"stopOld":true}}}', 400],
      ['POST', '/operations/stop', '{"input":{"slots":["b"],"all":true}}', 400],
      ['POST', '/operations/stop', '{"input":{"olderThanMs":300000}}', 400],
      ['POST', '/operations/stop', '{"input":{"all":true,"olderThanMs":300000}}', 400],
      ['POST', '/operations/stop', '{"input":{"force":true}}', 400],
      ['POST', '/operations/restart', '{"input":{"slots":["a"],"inactive":true}}', 400],
      ['POST', '/operations/start', '{"input":{"slots":["a"],"all":true}}', 400],
      ['POST', '/operations/update', '{"waitMs":-1}', 400],
      ['POST', '/operations/update', '{"waitMs":"60s"}', 400],
      ['POST', '/operations/update', '{"by":7}', 400],
      ['POST', '/operations/stop', '{}', 400],
      ['POST', '/operations/stop', '{"input":{"slots":["c"]}}', 400],
      ['POST', '/operations/stop', '{"input":{"all":true,"keepDesired":true}}', 400],
      ['POST', '/operations/switch', '{"input":{"slot":"ab"}}', 400],
      ['POST', '/operations/update', Buffer.from([0xff, 0xfe, 0x00, 0x80, 0x7f]), 400],
      ['POST', '/operations/update', 'x'.repeat(MAX_BODY_BYTES + 1), 413],
      ['POST', '/operations/update', 'x'.repeat(4 * 1024 * 1024), 413],
    ];

    it('is told so by a 4xx, and nothing happens', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const link = app.linkIdentity();
      const since = supervisor.mark();
      for (const [method, path, body, status] of REFUSED) {
        const reply = await ask(app, method, path, body);
        assert.equal(reply.status, status, `${method} ${path} ${String(body).slice(0, 60)}: ${reply.body}`);
        assert.match(reply.body, /^\{"error":".+"\}\n$/);
      }
      assert.deepEqual(supervisor.events.slice(since), []);
      assert.equal(app.linkIdentity(), link);
    });

    it('rubbish, half requests and who hangs up at once are closed, and the supervisor goes on', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const since = supervisor.mark();
      const bytes = Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 37) % 256));
      for (const sent of [
        bytes,
        '\r\n\r\n\r\n',
        'GET\r\n\r\n',
        'GET /status HTTP/9.9\r\n\r\n',
        `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
        'POST /operations/update HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"inp',
        'POST /operations/update HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
        'CONNECT example.org:80 HTTP/1.1\r\nHost: example.org\r\n\r\n',
        '',
      ])
        assert.doesNotMatch(await raw(app, sent), /^HTTP\/1.1 [235]/, String(sent).slice(0, 40));
      assert.deepEqual(supervisor.events.slice(since), []);
      assert.equal((await ask(app, 'GET', '/status')).status, 200);
    });

    it('a request that comes too slowly is cut off, and holds up nobody meanwhile', {
      skip: SKIP_IN_SHORT,
    }, async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      const slow = connect(controlOf(app));
      slow.on('error', () => undefined).resume(); // EPIPE, when it drips once more
      slow.write('POST /operations/update HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n');
      // Not once(), which an error would end.
      const closed = new Promise((resolve) => void slow.once('close', resolve));
      const drip = setInterval(() => slow.write(' '), 2_000);
      using _drip = { [Symbol.dispose]: () => clearInterval(drip) };
      await app.succeed('update');
      await closed;
    });

    it('300 at once are all answered', { skip: SKIP_IN_SHORT }, async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      const statuses = await Promise.all(
        Array.from({ length: 300 }, async (_, index) =>
          index % 3 === 0
            ? (await raw(app, httpPost('/operations/nothing', '{}'))).slice(9, 12)
            : String((await ask(app, 'GET', index % 3 === 1 ? '/supervisor' : '/nothing')).status),
        ),
      );
      assert.deepEqual(
        new Map([...new Set(statuses)].map((status) => [status, statuses.filter((each) => each === status).length])),
        new Map([
          ['404', 200],
          ['200', 100],
        ]),
      );
      const idle = Array.from({ length: 300 }, () => connect(controlOf(app)));
      await Promise.all(idle.map((socket) => once(socket, 'connect')));
      await app.succeed('update');
      for (const socket of idle) socket.destroy();
    });
  });

  describe('a client of the control socket changes nothing about its operation', { concurrency: 2 }, () => {
    it('when it hangs up in the middle', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.deploy('2');
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const { request, response } = await open(app, 'POST', '/operations/update');
      response.on('error', () => undefined);
      request.destroy();
      await new Promise((resolve) => response.once('close', resolve));
      fifo.release();
      await supervisor.event('operation-completed', ({ operation }) => operation === 'update');
      assert.equal((await app.get('/')).version, '2');
    });

    it('when it never reads', { skip: SKIP_IN_SHORT }, async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const deaf: Socket[] = [];
      for (let version = 2; version <= 4; version += 1) {
        app.deploy(String(version));
        const since = supervisor.mark();
        const socket = connect(controlOf(app));
        deaf.push(socket.pause());
        socket.write(httpPost('/operations/update', '{}'));
        const events = connect(controlOf(app));
        deaf.push(events.pause());
        events.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
        await supervisor.event('operation-completed', ({ operation }) => operation === 'update', since);
        assert.equal((await app.get('/')).version, String(version));
      }
      for (const socket of deaf) socket.destroy();
    });
  });

  it('who follows the events and never reads is dropped, rather than kept in memory; who reads hears all of them', async () => {
    await using dir = await tempDir();
    const hub = new EventHub('app');
    const server = await listenForControl(dir.join('control'), {
      app: { hub } as SupervisedApp,
      handover: () => undefined,
      metrics: async () => ({ type: '', text: '' }),
    });
    const follow = (): Socket => {
      const socket = connect(dir.join('control'));
      socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n');
      return socket.on('error', () => undefined);
    };
    const [deaf, keen] = [follow().pause(), follow()];
    let heard = '';
    keen.setEncoding('utf8').on('data', (chunk: string) => {
      heard += chunk;
    });
    const hungUp = new Promise((resolve) => deaf.once('close', resolve));
    await until('both are followed', () => {
      hub.emit({ type: 'warned', about: 'first', detail: '' });
      return /first/.test(heard);
    });
    for (let event = 0; event < 2_000; event += 1) {
      hub.emit({ type: 'warned', about: `event ${event}`, detail: 'x'.repeat(500) });
      await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the reader has them all', () => heard.includes('event 1999'));
    let unread = 0;
    deaf.on('data', (chunk: Buffer) => {
      unread += chunk.length;
    });
    deaf.resume();
    await hungUp;
    assert.ok(unread < heard.length, 'the deaf one got less');
    keen.destroy();
    await server.close();
  });

  describe('a command that finds a supervisor', { concurrency: 2 }, () => {
    it('has it do the work, and tells the same events, outcome and exit code as alone', {
      skip: SKIP_IN_SHORT,
    }, async () => {
      await using alone = await quietApp();
      await using app = await quietApp();
      await alone.succeed('update');
      await using supervisor = await supervise(app);
      const both = async (...args: readonly string[]): Promise<Run> => {
        const [here, there] = [await alone.graceful(...args), await app.graceful(...args)];
        assertExit(there, here.code ?? -1);
        assert.deepEqual(shapeOf(there), shapeOf(here), args.join(' '));
        return there;
      };
      for (const each of [alone, app]) each.deploy('2');
      await both('update');
      await both('switch');
      await both('switch', 'a');
      await both('keepalive');
      await both('restart', '--inactive');
      await both('start', 'b');
      await both('stop', '--inactive', '--older-than', '1h');
      await both('stop', 'b');
      await both('stop', 'a');
      await both('start');
      for (const each of [alone, app]) each.deploy('3', { APP_BROKEN: 'exits' });
      await both('update');
      await both('stop', '--all');
      await both('keepalive');
      await both('switch');
      for (const each of [alone, app]) each.deploy('4', { APP_BROKEN: '' });
      await both('start', '--all');
      const asked = supervisor.events.filter(
        (event) => event.type === 'operation-started' && /^graceful /.test(event.by),
      );
      assert.equal(asked.length, 15, 'all of it was done by the supervisor');
      assert.equal((await app.get('/')).version, '4');
    });

    it('is busy as it would be alone: --wait 0s while another one is at work', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const update = app.spawnGraceful(['update', '--json']);
      await supervisor.event('operation-started', ({ operation }) => operation === 'update');
      const busy = await until('the update holds the lock', async () => {
        const run = await app.graceful('switch', '--wait', '0s');
        return run.failure?.code === 'busy' && run;
      });
      assertExit(busy, 4);
      assert.equal(failureOf(busy, 'busy').details.operation, 'update');
      const keepalive = await app.graceful('restart', 'b', '--wait', '50ms');
      assertExit(keepalive, 4);
      fifo.release();
      assertExit(await update.finished, 0);
    });

    it('can be called by a hook of the operation that is at work: it is told to go away, and nobody waits for ever', {
      skip: SKIP_IN_SHORT,
    }, async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      const said = join(app.dir, 'said');
      const command = `"$0" "$1" switch > ${said} 2>&1; echo $? >> ${said}`;
      app.configure({
        hooks: {
          beforeStart: ['sh', '-c', command, process.execPath, join(import.meta.dirname, '../../../bin/graceful.cjs')],
        },
      });
      await app.succeed('update');
      assert.match(readFileSync(said, 'utf8'), /busy: update [\s\S]*\n4\n$/);
    });

    for (const [signal, by] of [
      ['SIGINT', 'Ctrl-C'],
      ['SIGTERM', 'SIGTERM'],
    ] as const)
      it(`undoes the update at ${signal}`, async () => {
        await using app = await quietApp();
        await using _supervisor = await supervise(app);
        const before = { link: app.linkIdentity(), processes: app.processes() };
        app.deploy('2', { APP_BROKEN: 'never-listens' });
        const update = app.spawnGraceful(['update', '--json']);
        await update.event('waiting', (event) => event.for === 'ready');
        update.process.kill(signal);
        const run = await update.finished;
        assertExit(run, 1);
        assert.equal(failureOf(run, 'aborted').details.by, by);
        assert.equal(eventsOf(run, 'undone')[0]?.slot, 'b');
        assert.deepEqual({ link: app.linkIdentity(), processes: app.processes() }, before);
      });

    it('gives up waiting for another operation at Ctrl-C, at once', async () => {
      await using app = await quietApp();
      await using _supervisor = await supervise(app);
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const first = app.spawnGraceful(['update', '--json']);
      await until('the first one holds the lock', () => existsSync(app.file('app.lock-holder.json')));
      const second = app.spawnGraceful(['update', '--json']);
      await second.event('waiting', (event) => event.for === 'lock');
      second.process.kill('SIGINT');
      const run = await second.finished;
      assertExit(run, 1);
      failureOf(run, 'aborted');
      fifo.release();
      assertExit(await first.finished, 0);
    });

    it('exits 5 when the supervisor is killed in the middle, and says where to look', async () => {
      await using app = await quietApp();
      await using supervisor = await supervise(app);
      const fifo = makeFifo(join(app.dir, 'fifo'));
      app.configure({ hooks: { beforeStart: fifo.waitForIt } });
      const json = app.spawnGraceful(['update', '--json']);
      const plain = app.spawnGraceful(['update']);
      await supervisor.event('operation-started', ({ by }) => by.includes(String(json.process.pid)));
      await supervisor.event('operation-started', ({ by }) => by.includes(String(plain.process.pid)));
      await supervisor.kill('SIGKILL');
      const run = await json.finished;
      assertExit(run, 5);
      failureOf(run, 'connection-lost');
      const shown = await plain.finished;
      assertExit(shown, 5);
      assert.match(shown.stderr, /how it ended is unknown[\s\S]*graceful status/);
      fifo.release();
    });
  });

  describe('two supervisors', { concurrency: 2 }, () => {
    it('are one too many: the second one exits 4, names the first one, and leaves everything as it is', {
      skip: SKIP_IN_SHORT,
    }, async () => {
      await using app = await quietApp();
      await using first = await supervise(app);
      const before = { link: app.linkIdentity(), processes: app.processes() };
      await using second = startSupervisor(app);
      const { code, stdout } = await second.ended;
      assert.equal(code, 4, stdout);
      assert.match(stdout, new RegExp(`pid ${first.pid}\\b`));
      assert.deepEqual({ link: app.linkIdentity(), processes: app.processes() }, before);
      assert.equal((await ask(app, 'GET', '/supervisor')).body.includes(String(first.pid)), true);
      await app.succeed('update');
    });

    it('of several apps are one too many if they share a single one: the others get no half a supervisor', async () => {
      await using app = await quietApp();
      await using other = await createTestApp({ name: 'other', config: { schedule: NO_SCHEDULE } });
      await using _first = await supervise(app);
      await using second = startSupervisor([other, app]);
      assert.equal((await second.ended).code, 4);
      assert.equal(existsSync(controlOf(other)), false);
      assert.deepEqual(other.processes(), []);
    });

    it('that start together are one: the other one exits 4', async () => {
      await using app = await quietApp();
      await using one = startSupervisor(app);
      await using two = startSupervisor(app);
      const loser = await Promise.race([one.ended, two.ended]);
      assert.equal(loser.code, 4, loser.stdout + loser.stderr);
      const winner = one.process.exitCode === null ? one : two;
      await winner.begun;
      assert.ok(runs(winner.pid));
      assert.equal(app.processes().length, 1);
    });

    it('are one too many although the first one hangs', { skip: SKIP_IN_SHORT }, async () => {
      await using app = await quietApp();
      await using first = await supervise(app);
      first.process.kill('SIGSTOP');
      await using second = startSupervisor(app);
      const { code, stdout } = await second.ended;
      assert.equal(code, 4, stdout);
      first.process.kill('SIGCONT');
      assert.equal((await ask(app, 'GET', '/supervisor')).status, 200);
    });
  });

  it('the socket of a killed supervisor is in nobody’s way: commands do the work themselves, and the next supervisor replaces it', async () => {
    await using app = await quietApp();
    {
      await using first = await supervise(app);
      await first.kill('SIGKILL');
    }
    assert.ok(existsSync(controlOf(app)));
    app.deploy('2');
    await app.succeed('update');
    assert.equal((await app.status()).supervisor, null);
    await using next = await supervise(app);
    assert.equal((await app.status()).supervisor?.pid, next.pid);
    app.deploy('3');
    await app.succeed('update');
    await untilServed(app, '3');
  });

  /** What of a run does not depend on pids, times and paths. */
  function shapeOf({ events, outcome, failure }: Run): unknown {
    const told = events
      .filter(({ type }) => type !== 'still-waiting')
      .map((event) => [event.type, 'slot' in event ? event.slot : '', 'for' in event ? event.for : '']);
    const { ms: _, release: __, reason: ___, kept, ...rest } = (outcome ?? {}) as unknown as Record<string, unknown>;
    return {
      told,
      outcome: { ...rest, kept: (kept as { slot: string }[] | undefined)?.map(({ slot }) => slot) },
      failure: failure?.code,
    };
  }
});
