// The witness itself on trial: whatever goes wrong with a request is counted, once, in its own column, by both load generators.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test } from 'node:test';
import { startApp } from './rig/app.ts';
import { startHttpLoad } from './rig/http-load.ts';
import { startLoad } from './rig/load.ts';
import { type Failures, failed, type Load, NO_FAILURES } from './rig/load-report.ts';
import { skipUnless } from './rig/requirements.ts';
import { tempDir } from './rig/temp-dir.ts';

interface Generator {
  readonly name: string;
  readonly skip: false | string;
  start(port: number, options?: { patienceMs?: number; path?: string }): Load;
}

const CONNECTIONS = 4;

const generators: readonly Generator[] = [
  {
    name: 'wrk',
    skip: skipUnless('wrk'),
    start: (port, options) => startLoad({ port, connections: CONNECTIONS, ...options }),
  },
  {
    name: 'http-load',
    skip: false,
    start: (port, { patienceMs, ...options } = {}) =>
      startHttpLoad({
        target: { port },
        connections: CONNECTIONS,
        keepAlive: true,
        ...options,
        ...(patienceMs === undefined ? {} : { timeoutMs: patienceMs }),
      }),
  },
];

/** What a backend can do to a request, and the column that it belongs in. */
const misdeeds: readonly {
  readonly title: string;
  readonly column: keyof Failures;
  readonly times: number;
  do(request: IncomingMessage, response: ServerResponse, body: Buffer): void;
}[] = [
  {
    title: 'a connection reset in place of an answer',
    column: 'reset',
    times: 20,
    do: (request) => request.socket.resetAndDestroy(),
  },
  {
    title: 'a connection closed in place of an answer',
    column: 'reset',
    times: 20,
    do: (request) => request.socket.end(),
  },
  {
    title: 'a connection closed in the middle of an answer',
    column: 'reset',
    times: 20,
    do: (request, response, body) => {
      response.writeHead(200, { 'Content-Length': body.length });
      response.write(body.subarray(100), () => request.socket.end());
    },
  },
  { title: 'a request that is never answered', column: 'timeout', times: 1, do: () => undefined },
  {
    title: 'a status of 502',
    column: 'non2xx',
    times: 20,
    do: (_request, response) => response.writeHead(502).end('Bad Gateway'),
  },
  {
    title: 'a redirect',
    column: 'non2xx',
    times: 20,
    do: (_request, response) => response.writeHead(302, { Location: '/' }).end(),
  },
  {
    title: 'a body with one byte changed',
    column: 'wrongBody',
    times: 20,
    do: (_request, response, body) => {
      body[2000] = 0;
      response.end(body);
    },
  },
  { title: 'an empty body', column: 'wrongBody', times: 20, do: (_request, response) => response.end() },
];

for (const generator of generators) {
  describe(`load by ${generator.name}`, { skip: generator.skip }, () => {
    for (const { title, column, times, do: misbehave } of misdeeds) {
      test(`${title} is counted as ${column}, and as nothing else`, async () => {
        let left = times;
        let requests = 0;
        await using server = await startServer((request, response, body) => {
          requests += 1;
          if (requests % 7 !== 0 || left === 0) return void response.end(body);
          left -= 1;
          misbehave(request, response, body);
          if (left === 0) server.enough();
        });
        const load = generator.start(server.port, { patienceMs: column === 'timeout' ? 2_000 : 10_000 });
        await server.hadEnough;
        const report = await load.stop();
        assert.deepEqual(report.failures, { ...NO_FAILURES, [column]: times }, report.examples.join('\n'));
        assert.equal(report.requests, requests);
        assert.equal(report.succeeded, requests - times);
      });
    }

    test('a connection that is refused is counted as refused, and as nothing else', async () => {
      const waiting: (() => void)[] = [];
      await using server = await startServer((_request, response, body) => {
        waiting.push(() => response.writeHead(200, { Connection: 'close' }).end(body));
        if (waiting.length === CONNECTIONS) server.enough();
      });
      const load = generator.start(server.port, { patienceMs: 10_000 });
      await server.hadEnough;
      // All its connections are open and wait for their answers: none is left in the queue when the listener goes.
      server.stopListening();
      for (const answer of waiting) answer();
      await load.flowing;
      const report = await load.stop();
      assert.ok(report.failures.refused > 0);
      assert.deepEqual(report.failures, { ...NO_FAILURES, refused: report.failures.refused });
      assert.equal(report.succeeded, CONNECTIONS);
    });

    test('requests that are under way when the load is stopped are waited for, and lost ones are not made up', async () => {
      const waiting: (() => void)[] = [];
      await using server = await startServer((_request, response, body) => {
        waiting.push(() => response.writeHead(200, { 'X-Version': '41' }).end(body));
        if (waiting.length === CONNECTIONS) server.enough();
      });
      const load = generator.start(server.port);
      await server.hadEnough;
      const stopped = load.stop();
      for (const answer of waiting) setTimeout(answer, 100);
      const report = await stopped;
      assert.equal(failed(report), 0, report.examples.join('\n'));
      assert.equal(report.succeeded, CONNECTIONS);
      assert.deepEqual(report.versions, { 41: CONNECTIONS });
      assert.deepEqual(report.statuses, { 200: CONNECTIONS });
    });
  });
}

describe('load by http-load over a unix socket', () => {
  test('a link that leads nowhere is counted as refused', async () => {
    await using dir = await tempDir();
    const report = await startHttpLoad({ target: { socketPath: dir.join('none') }, connections: 2, durationMs: 50 })
      .finished;
    assert.ok(report.failures.refused > 0);
    assert.deepEqual(report.failures, { ...NO_FAILURES, refused: report.requests });
  });
});

for (const language of ['node', 'python'] as const) {
  describe(`the example app in ${language}`, { skip: language === 'python' && skipUnless('python3') }, () => {
    test('echoes what is posted and says its version', async () => {
      await using dir = await tempDir();
      const socketPath = dir.join('app.socket');
      await using _app = await startApp({ language, socketPath, env: { APP_VERSION: '42', APP_DELAY: '0-3' } });
      const report = await startHttpLoad({ target: { socketPath }, keepAlive: true, durationMs: 200 }).finished;
      assert.deepEqual(report.failures, NO_FAILURES, report.examples.join('\n'));
      assert.deepEqual(report.versions, { 42: report.requests });
    });

    test('loses requests when it is told to exit at once under load, which is what graceful is there to prevent', async () => {
      await using dir = await tempDir();
      const socketPath = dir.join('app.socket');
      await using app = await startApp({ language, socketPath, env: { APP_ON_SIGTERM: 'exit', APP_DELAY: '5-10' } });
      const load = startHttpLoad({ target: { socketPath }, connections: 8 });
      await load.flowing;
      app.kill('SIGTERM');
      assert.equal(await app.exited, 0);
      const report = await load.stop();
      assert.ok(report.failures.reset > 0, JSON.stringify(report));
    });

    test('finishes what it has begun when it is told to close', async () => {
      await using dir = await tempDir();
      const socketPath = dir.join('app.socket');
      await using app = await startApp({ language, socketPath, env: { APP_ON_SIGTERM: 'close' } });
      const load = startHttpLoad({ target: { socketPath }, connections: 2, path: '/slow' });
      await load.flowing;
      const stopped = load.stop();
      app.kill('SIGTERM');
      const report = await stopped;
      assert.equal(await app.exited, 0);
      assert.equal(report.failures.timeout + report.failures.non2xx + report.failures.wrongBody, 0);
    });
  });
}

interface TestServer extends AsyncDisposable {
  readonly port: number;
  readonly hadEnough: Promise<void>;
  enough(): void;
  stopListening(): void;
}

const startServer = async (
  handle: (request: IncomingMessage, response: ServerResponse, body: Buffer) => void,
): Promise<TestServer> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => handle(request, response, Buffer.concat(chunks)));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  let enough: () => void = () => undefined;
  const hadEnough = new Promise<void>((resolve) => {
    enough = resolve;
  });
  return {
    port: (server.address() as AddressInfo).port,
    hadEnough,
    enough,
    stopListening: () => server.close(),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      if (server.listening) server.close();
    },
  };
};
