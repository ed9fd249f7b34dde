// What a health check by HTTP makes of an answer, byte by byte: a real server at a real socket.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { describe, it } from 'node:test';
import type { HealthCheck } from '../../src/core/config.ts';
import { probeHttp } from '../../src/system/probes/http.ts';
import { Limit } from '../../src/system/probes/limit.ts';
import { tempDir } from '../rig/temp-dir.ts';

const CHECK = { type: 'http', path: '/', host: 'app', status: [[200, 399]] } as unknown as Extract<
  HealthCheck,
  { type: 'http' }
>;
/** Longer than any test takes: what is whole has to be known before. */
const PATIENCE_MS = 600_000;

async function probed(parts: readonly string[], then: (socket: Socket) => void, timeoutMs = PATIENCE_MS) {
  await using dir = await tempDir();
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket
      .on('error', () => undefined)
      .once('data', async () => {
        // Each in a turn of its own, so that it comes by itself.
        for (const part of parts) await new Promise((resolve) => socket.write(part, () => setImmediate(resolve)));
        then(socket);
      });
  }).listen(dir.join('socket'));
  await once(server, 'listening');
  using limit = new Limit(timeoutMs, undefined);
  try {
    const { ok, detail } = await probeHttp(CHECK, dir.join('socket'), limit);
    return `${ok ? 'passes' : 'fails'}: ${detail}`;
  } finally {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
}

const closes = (socket: Socket): void => void socket.end();
const stays = (): void => undefined;

const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH = (bytes: number) => `${OK}Content-Length: ${bytes}\r\n\r\n`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

const TABLE: readonly (readonly [string, readonly string[], (socket: Socket) => void, string])[] = [
  ['whole, and the connection is closed', [`${LENGTH(2)}ok`], closes, 'passes: HTTP 200'],
  ['whole, and the connection stays open: it is not waited for', [`${LENGTH(2)}ok`], stays, 'passes: HTTP 200'],
  [
    'whole in many parts',
    ['HTTP/1.', '1 200 OK\r', '\nContent-Length', ': 2\r\n\r', '\no', 'k'],
    stays,
    'passes: HTTP 200',
  ],
  ['without a body', [LENGTH(0)], stays, 'passes: HTTP 200'],
  ['204, which has no body', ['HTTP/1.1 204 No Content\r\n\r\n'], stays, 'passes: HTTP 204'],
  ['chunked to its last chunk', [`${CHUNKED}2\r\nok\r\n`, '0\r\n\r\n'], stays, 'passes: HTTP 200'],
  ['chunked and empty', [`${CHUNKED}0\r\n`, '\r\n'], stays, 'passes: HTTP 200'],
  ['of no known length, ended by the connection', [`${OK}\r\nok`], closes, 'passes: HTTP 200'],
  ['HTTP/1.0', ['HTTP/1.0 200\r\n\r\nok'], closes, 'passes: HTTP 200'],
  [
    'after interim answers',
    [`HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n${LENGTH(0)}`],
    stays,
    'passes: HTTP 200',
  ],
  ['500', ['HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n'], stays, 'fails: HTTP 500'],
  ['cut off by a close', [`${LENGTH(200)}ok`], closes, 'fails: HTTP 200, cut off after 2 of 200 bytes'],
  ['chunked with trailers', [`${CHUNKED}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`], stays, 'passes: HTTP 200'],
  ['chunked and cut off', [`${CHUNKED}5\r\nhel`], closes, 'fails: HTTP 200, cut off before its last chunk'],
  ['cut off in its header', [`${OK}Content-Le`], closes, 'fails: HTTP 200, cut off in its header'],
  ['not HTTP', ['SSH-2.0-OpenSSH\r\n'], closes, 'fails: the answer is not HTTP'],
  ['none', [], closes, 'fails: closed the connection without an answer'],
];

describe('a health check by HTTP, of an answer that is', { concurrency: 4, timeout: 120_000 }, () => {
  for (const [title, parts, then, finding] of TABLE)
    it(`${title}, ${finding.split(':')[0]}`, async () => assert.equal(await probed(parts, then), finding));

  it('promised and does not come in time, fails and says how far it came', async () => {
    assert.equal(await probed([LENGTH(200)], stays, 200), 'fails: HTTP 200, cut off after 0 of 200 bytes');
  });

  it('endless, passes when its time is up: it has answered', async () => {
    assert.equal(await probed([`${OK}\r\ndata: 1\n\n`], stays, 200), 'passes: HTTP 200');
  });
});
