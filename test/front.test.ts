// The embedded front, before the example app.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { describe, test } from 'node:test';
import { type Front, startFront } from '../src/commands/front.ts';
import { pointLink, startApp } from './rig/app.ts';
import { startHttpLoad } from './rig/http-load.ts';
import { NO_FAILURES } from './rig/load-report.ts';
import { tempDir } from './rig/temp-dir.ts';
import { openWebSocket } from './rig/web-socket.ts';

describe('the embedded front', () => {
  for (const keepAlive of [true, false]) {
    test(`loses no request when the link is switched back and forth under load, ${keepAlive ? 'clients keeping' : 'not keeping'} their connections`, async () => {
      await using dir = await tempDir();
      const link = dir.join('app.socket');
      await using _a = await startApp({
        socketPath: dir.join('app-a.socket'),
        env: { APP_VERSION: '41', APP_DELAY: '0-3' },
      });
      await using _b = await startApp({
        socketPath: dir.join('app-b.socket'),
        env: { APP_VERSION: '42', APP_DELAY: '0-3' },
      });
      await pointLink(link, 'app-a.socket');
      await using front = await openFront(link);
      const load = startHttpLoad({ target: { port: front.port }, keepAlive });
      await load.flowing;
      for (let round = 0; round < 20; round++) {
        await pointLink(link, round % 2 === 0 ? 'app-b.socket' : 'app-a.socket');
        const { headers } = await get(front.port, '/');
        assert.equal(
          headers['x-version'],
          round % 2 === 0 ? '42' : '41',
          'the very next request goes where the link leads',
        );
      }
      const report = await load.stop();
      assert.deepEqual(report.failures, NO_FAILURES, report.examples.join('\n'));
      assert.deepEqual(Object.keys(report.versions), ['41', '42']);
      assert.deepEqual(front.errors, []);
    });
  }

  test('passes WebSockets on, and they outlive a switch', async () => {
    await using dir = await tempDir();
    const link = dir.join('app.socket');
    await using _a = await startApp({ socketPath: dir.join('app-a.socket'), env: { APP_VERSION: '41' } });
    await using _b = await startApp({ socketPath: dir.join('app-b.socket'), env: { APP_VERSION: '42' } });
    await pointLink(link, 'app-a.socket');
    await using front = await openFront(link);
    const before = await openWebSocket(front);
    await pointLink(link, 'app-b.socket');
    const after = await openWebSocket(front);
    assert.equal(await before.echo('41?'), '41?');
    assert.equal(await after.echo('42?'), '42?');
    assert.deepEqual([before.version, after.version], ['41', '42']);
    before.close();
    after.close();
    assert.deepEqual(front.errors, []);
  });

  test('a WebSocket ends for the client when its backend dies, and for the backend when its client goes', async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    await using app = await startApp({ socketPath });
    await using front = await openFront(socketPath);
    const socket = await openWebSocket(front);
    app.kill('SIGKILL');
    await socket.closed;

    const backend = createServer().listen(dir.join('other.socket'));
    const taken = once(backend, 'upgrade');
    await using other = await openFront(dir.join('other.socket'));
    const client = connect(other.port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    const [, accepted] = await taken;
    accepted.write('HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n');
    await once(client, 'data');
    accepted.resume();
    const gone = once(accepted, 'end');
    client.resetAndDestroy();
    await gone;
    backend.close();
  });

  test('answers 502 and names the link when it leads nowhere, and serves as soon as it leads somewhere', async () => {
    await using dir = await tempDir();
    const link = dir.join('app.socket');
    await using front = await openFront(link);
    const answer = await get(front.port, '/');
    assert.equal(answer.status, 502);
    assert.match(answer.body, /ENOENT/);
    assert.ok(answer.body.includes(link), answer.body);
    await assert.rejects(openWebSocket(front), /502/);
    assert.equal(front.errors.length, 2);

    await using _app = await startApp({ socketPath: dir.join('app-a.socket') });
    await pointLink(link, 'app-a.socket');
    assert.equal((await get(front.port, '/')).status, 200);
  });

  test('answers 502 when the backend dies before it has answered', async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    const backend = createServer((incoming) => incoming.socket.destroy()).listen(socketPath);
    await once(backend, 'listening');
    await using front = await openFront(socketPath);
    const answer = await get(front.port, '/');
    assert.equal(answer.status, 502);
    assert.match(answer.body, /closed the connection before it had answered/);
    backend.close();
  });

  test('breaks the answer off when the backend dies in the middle of it, and does not pass it off as whole', async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    const backend = createServer((_incoming, response) => {
      response.write('half', () => response.destroy());
    }).listen(socketPath);
    await once(backend, 'listening');
    await using front = await openFront(socketPath);
    await assert.rejects(get(front.port, '/'), /aborted/);
    backend.close();
  });

  test('tells the app who asked, for what host, and how', async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    await using _app = await startApp({ socketPath });
    await using front = await openFront(socketPath);
    const { body } = await get(front.port, '/headers', {
      Host: 'example.org',
      'X-Forwarded-For': '192.0.2.1',
      'X-Forwarded-Proto': 'https',
      Connection: 'close, X-Hop',
      'X-Hop': 'for the front only',
      'Keep-Alive': 'timeout=9',
      TE: 'trailers',
    });
    const headers = JSON.parse(body);
    assert.equal(headers.host, 'example.org');
    assert.equal(headers['x-forwarded-host'], 'example.org');
    assert.equal(headers['x-forwarded-for'], '192.0.2.1, 127.0.0.1');
    assert.equal(headers['x-forwarded-proto'], 'http');
    for (const name of ['x-hop', 'keep-alive', 'te']) assert.equal(headers[name], undefined);
    assert.equal(headers.connection, 'close');
  });

  test("keeps the client's connection although it closes its own to the backend", async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    await using _app = await startApp({ socketPath });
    await using front = await openFront(socketPath);
    const { headers } = await get(front.port, '/', { Connection: 'keep-alive' });
    assert.equal(headers.connection, 'keep-alive');
  });

  test('streams a body to the backend while it is still being sent', async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    const backend = createServer((incoming, response) => {
      incoming.once('data', (chunk) => response.write(chunk));
      incoming.on('end', () => response.end('end'));
    }).listen(socketPath);
    await once(backend, 'listening');
    await using front = await openFront(socketPath);
    const upload = request({ port: front.port, method: 'POST' });
    const answered = once(upload, 'response');
    upload.write('first');
    const [response] = (await answered) as [IncomingMessage];
    assert.equal(String((await once(response, 'data'))[0]), 'first');
    upload.end();
    assert.equal(String((await once(response, 'data'))[0]), 'end');
    backend.close();
  });

  test('survives clients that go away at any point, and tells the backend so', async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    let left: () => void = () => undefined;
    const backend = createServer((incoming, response) => {
      incoming.resume();
      response.on('close', () => left());
      if (incoming.url === '/stream') response.write('some');
    }).listen(socketPath);
    await once(backend, 'listening');
    await using front = await openFront(socketPath);
    const requests = [
      'GET /wait HTTP/1.1\r\nHost: x\r\n\r\n',
      'GET /stream HTTP/1.1\r\nHost: x\r\n\r\n',
      'POST /upload HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc',
    ];
    for (const text of requests) {
      for (const leave of ['end', 'resetAndDestroy'] as const) {
        const noticed = new Promise<void>((resolve) => {
          left = resolve;
        });
        const taken = once(backend, 'request');
        const client = connect(front.port, '127.0.0.1');
        client.on('error', () => undefined);
        client.write(text);
        await taken;
        client[leave]();
        await noticed;
        client.destroy();
      }
    }
    assert.deepEqual(front.errors, []);
    backend.closeAllConnections();
    backend.close();
  });

  test('refuses an upgrade to anything but WebSocket in words', async () => {
    await using dir = await tempDir();
    await using front = await openFront(dir.join('app.socket'));
    assert.equal((await get(front.port, '/', { Connection: 'Upgrade', Upgrade: 'h2c' })).status, 501);
  });

  test('says so when its port is taken', async () => {
    await using dir = await tempDir();
    await using front = await openFront(dir.join('app.socket'));
    const second = startFront({ socketPath: 'unused', host: '127.0.0.1', port: front.port, onError: () => undefined });
    await assert.rejects(second, { code: 'EADDRINUSE' });
  });

  test('lets a request in flight finish when it is closed', async () => {
    await using dir = await tempDir();
    const socketPath = dir.join('app.socket');
    await using _app = await startApp({ socketPath });
    await using front = await openFront(socketPath);
    const backend = get(front.port, '/slow');
    await get(front.port, '/');
    const closed = front.close();
    assert.equal((await backend).status, 200);
    await closed;
  });
});

interface TestFront extends AsyncDisposable {
  readonly port: number;
  readonly errors: readonly string[];
  close: Front['close'];
}

const openFront = async (socketPath: string): Promise<TestFront> => {
  const errors: string[] = [];
  const front = await startFront({
    socketPath,
    host: '127.0.0.1',
    port: 0,
    onError: (error) => errors.push(error.message),
  });
  return { port: front.address.port, errors, close: front.close, [Symbol.asyncDispose]: front.close };
};

const get = async (
  port: number,
  path: string,
  headers: Record<string, string> = {},
): Promise<{ status: number; headers: IncomingMessage['headers']; body: string }> => {
  const outgoing = request({ port, path, headers }).end();
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode ?? 0, headers: response.headers, body };
};
