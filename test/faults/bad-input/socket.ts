// What is no request, sent to the supervisor's control socket.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Arbitrary, constantFrom, integer, nat, oneof, tuple } from 'fast-check';
import { rubbish } from './generate.ts';

/** What is written, in how many pieces, and whether the client waits for an answer or hangs up. */
export interface Noise {
  readonly what: string;
  readonly bytes: Buffer;
  readonly pieces: number;
  readonly hangsUp: boolean;
}

const request = (line: string, headers: string, body: string | Buffer = ''): Buffer =>
  Buffer.concat([Buffer.from(`${line} HTTP/1.1\r\nHost: x\r\n${headers}\r\n`, 'latin1'), Buffer.from(body)]);

const post = (path: string, body: Buffer): Buffer =>
  request(`POST ${path}`, `Content-Length: ${body.length}\r\n`, body);

const named = (what: string, arbitrary: Arbitrary<Buffer>): Arbitrary<{ what: string; bytes: Buffer }> =>
  arbitrary.map((bytes) => ({ what, bytes }));

const UPGRADE = 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: eA==\r\n';

const content = oneof(
  named('binary', rubbish),
  named(
    'rubbish for an operation',
    rubbish.map((body) => post('/operations/switch', Buffer.concat([Buffer.from('x'), body]))),
  ),
  named(
    'an operation that is not there',
    rubbish.map((body) => post('/operations/reboot', body)),
  ),
  named(
    'a body that is too large',
    integer({ min: 65_537, max: 2_000_000 }).map((size) => post('/operations/update', Buffer.alloc(size, 'x'))),
  ),
  named(
    'a body that is longer or shorter than it says',
    tuple(rubbish, nat(100_000)).map(([body, length]) =>
      request('POST /operations/update', `Content-Length: ${body.length + 1 + length}\r\n`, body),
    ),
  ),
  named(
    'broken chunks',
    rubbish.map((body) =>
      request(
        'POST /operations/update',
        'Transfer-Encoding: chunked\r\n',
        Buffer.concat([Buffer.from('zz\r\n'), body]),
      ),
    ),
  ),
  named(
    'headers that are too large',
    integer({ min: 1, max: 200_000 }).map((size) => request('GET /status', `X-Long: ${'y'.repeat(size)}\r\n`)),
  ),
  named(
    'very many headers',
    integer({ min: 100, max: 5_000 }).map((count) =>
      request('GET /status', Array.from({ length: count }, (_, n) => `X-${n}: 1\r\n`).join('')),
    ),
  ),
  named(
    'a method that is wrong',
    constantFrom(
      'DELETE /status',
      'PUT /operations/update',
      'CONNECT x:1',
      'BREW /status',
      'GET /operations/update',
      'POST /status',
      'OPTIONS *',
    ).map((line) => request(line, '')),
  ),
  named(
    'a path that is not there',
    rubbish.map((path) => request(`GET /${path.toString('latin1').replace(/\s/g, '')}`, '')),
  ),
  named(
    'an abort of nothing',
    rubbish.map((id) => post(`/abort/${id.toString('hex').slice(0, 40)}`, id)),
  ),
  named(
    'WebSocket',
    tuple(constantFrom('/status', '/events', '/'), rubbish).map(([path, frames]) =>
      request(`GET ${path}`, UPGRADE, frames),
    ),
  ),
  named(
    'another version of HTTP',
    constantFrom('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'GET /\r\n\r\n', 'GET / HTTP/9.9\r\n\r\n', '\r\n\r\n\r\n').map(
      (text) => Buffer.from(text),
    ),
  ),
);

export const noise: Arbitrary<Noise> = tuple(content, constantFrom(1, 1, 2, 40), constantFrom(true, false)).map(
  ([{ what, bytes }, pieces, hangsUp]) => ({ what, bytes, pieces, hangsUp }),
);

/** Longer than the supervisor waits for a request. */
const PATIENCE_MS = 20_000;
const PIECE_PAUSE_MS = 5;

/** Writes it, and waits until the other side has closed, or hangs up at once. Rejects when neither happens in time. */
export async function make({ what, bytes, pieces, hangsUp }: Noise, path: string): Promise<void> {
  const socket = await open(path);
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  const size = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length && !socket.destroyed; at += size) {
    socket.write(bytes.subarray(at, at + size));
    if (pieces > 1) await sleep(PIECE_PAUSE_MS);
  }
  if (hangsUp) socket.destroy();
  else socket.end();
  const over = new AbortController();
  const tooLong = sleep(PATIENCE_MS, 'hangs' as const, { signal: over.signal }).catch(() => null);
  const verdict = await Promise.race([closed, tooLong]);
  over.abort();
  socket.destroy();
  if (verdict === 'hangs')
    throw new Error(`clear: nobody closed the connection within ${PATIENCE_MS} ms after ${what}`);
}

export function open(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: false });
    socket.once('connect', () => resolve(socket));
    socket.once('error', reject);
    socket.on('error', () => undefined); // EPIPE, ECONNRESET: we were refused
    socket.resume();
  });
}
