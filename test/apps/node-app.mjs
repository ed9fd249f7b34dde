#!/usr/bin/env node
// The example app: an HTTP server on the unix socket $GRACEFUL_SOCKET, in plain Node with no dependency.
// It echoes what is POSTed, says its version, and behaves well or badly as its settings ask:
//
//   APP_VERSION=…         sent back in X-Version; APP_VERSION_FILE=version reads it from that file in the working directory
//   APP_ON_SIGTERM=…      exit (at once) | close (finishes its requests first; the default) | ignore
//   APP_DELAY=0-3         each request takes a random time between these milliseconds
//   APP_SLOW_SHARE=0.05   this share of the requests takes 500 ms, as does every request of /slow or with an X-Slow header
//   APP_SLOW_MS=5000       these take longer than that
//   APP_START_DELAY_MS=…  time before it listens
//   APP_BROKEN=…          exits | never-listens | 500 | hangs | wrong-path | tcp
//
// GET /healthz /whoami /headers /events (SSE) /ws (WebSocket echo) · POST /hang /fail-health, any other path echoes
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { env } = process;
const version = env.APP_VERSION_FILE ? readFileSync(env.APP_VERSION_FILE, 'utf8').trim() : (env.APP_VERSION ?? '0');
const [minDelayMs = 0, maxDelayMs = minDelayMs] = (env.APP_DELAY ?? '0').split('-').map(Number);
const slowShare = Number(env.APP_SLOW_SHARE ?? 0);
const SLOW_MS = Number(env.APP_SLOW_MS ?? 500);

/** Blocks the event loop for ever, without burning a processor. */
const blockForever = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);

if (env.APP_BROKEN === 'exits') {
  console.error('Reading settings');
  console.error('Connecting to the database');
  console.error('Error: relation "orders" has no column "total"');
  process.exit(3);
}
if (env.APP_BROKEN === 'hangs') {
  console.error('Waiting for a lock that nobody will release');
  // A handler that never gets its turn: only SIGKILL ends it.
  process.on('SIGTERM', () => {});
  blockForever();
}

let healthy = true;
const streams = new Set();
const webSockets = new Set();

const server = createServer((request, response) => {
  response.setHeader('X-Version', version);
  response.setHeader('X-Pid', process.pid);
  if (env.GRACEFUL_INSTANCE) response.setHeader('X-Instance', env.GRACEFUL_INSTANCE);
  const path = new URL(request.url, 'http://app').pathname;
  if (env.APP_BROKEN === '500') return void answer(response, 500, `version ${version} is broken\n`);
  const route = routes[`${request.method} ${path}`];
  if (route) return void route(request, response);
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = request.method === 'POST' ? Buffer.concat(chunks) : `version ${version}\n`;
    const delayMs = requestDelayMs(request, path);
    if (delayMs === 0) answer(response, 200, body);
    else setTimeout(answer, delayMs, response, 200, body);
  });
});

const routes = {
  'GET /healthz': (_request, response) => answer(response, healthy ? 200 : 503, `version ${version}\n`),
  'GET /headers': (request, response) => answer(response, 200, JSON.stringify(request.headers)),
  'GET /whoami': (_request, response) =>
    answer(
      response,
      200,
      JSON.stringify({
        pid: process.pid,
        version,
        slot: env.GRACEFUL_SLOT ?? null,
        name: env.GRACEFUL_NAME ?? null,
        cwd: process.cwd(),
        worker: env.GRACEFUL_WORKER ?? null,
        listen: [env.LISTEN_PID, env.LISTEN_FDS, env.LISTEN_FDNAMES],
      }),
    ),
  'GET /events': (_request, response) => {
    response.writeHead(200, {
      'Content-Type': 'text/event-stream',
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no',
    });
    response.write(`data: version ${version}\n\n`);
    streams.add(response);
    response.on('close', () => streams.delete(response));
  },
  'POST /hang': (_request, response) => {
    response.on('close', () => setImmediate(blockForever));
    response.setHeader('Connection', 'close');
    answer(response, 200, 'hanging from now on\n');
  },
  'POST /fail-health': (_request, response) => {
    healthy = false;
    answer(response, 200, 'unhealthy from now on\n');
  },
};

const answer = (response, status, body) => {
  response.writeHead(status, { 'Content-Type': 'application/octet-stream', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
};

const requestDelayMs = (request, path) => {
  if (path === '/slow' || request.headers['x-slow'] !== undefined || Math.random() < slowShare) return SLOW_MS;
  return minDelayMs + Math.random() * (maxDelayMs - minDelayMs);
};

server.on('upgrade', (request, socket, head) => {
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nX-Version: ${version}\r\n\r\n`,
  );
  webSockets.add(socket);
  socket.on('close', () => webSockets.delete(socket));
  socket.on('end', () => socket.end()); // Node's http server leaves half-closed connections open
  socket.on('error', () => socket.destroy());
  let unread = head;
  const read = (chunk) => {
    unread = Buffer.concat([unread, chunk]);
    for (let frame = takeFrame(unread); frame; frame = takeFrame(unread)) {
      unread = frame.rest;
      socket.write(frame.echo);
      // A close frame is answered by one, and nothing follows it.
      if (frame.opcode === 0x8) return void socket.end();
    }
  };
  socket.on('data', read);
  read(Buffer.alloc(0));
});

/** The first frame of a client (RFC 6455, section 5.2) turned into its echo, which is not masked; null if it is not whole yet. */
const takeFrame = (bytes) => {
  if (bytes.length < 2) return null;
  const short = bytes[1] & 0x7f;
  const lengthBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + lengthBytes + 4;
  if (bytes.length < start) return null;
  const length = short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return null;
  const mask = bytes.subarray(start - 4, start);
  const payload = bytes.subarray(start, start + length).map((byte, index) => byte ^ mask[index % 4]);
  const header = Buffer.from(bytes.subarray(0, 2 + lengthBytes));
  header[1] &= 0x7f;
  return { opcode: bytes[0] & 0x0f, echo: Buffer.concat([header, payload]), rest: bytes.subarray(start + length) };
};

process.on('SIGTERM', () => {
  if (env.APP_ON_SIGTERM === 'ignore') return;
  if (env.APP_ON_SIGTERM === 'exit') process.exit(0);
  server.close(() => process.exit(0));
  server.closeIdleConnections();
  for (const stream of streams) stream.end();
  // 1001: going away.
  for (const socket of webSockets) socket.end(Buffer.from([0x88, 0x02, 0x03, 0xe9]));
});

setTimeout(
  () => {
    const socketPath = env.GRACEFUL_SOCKET;
    if (env.APP_BROKEN === 'never-listens') {
      console.error('Started, and doing anything but listening');
      setInterval(() => {}, 1 << 30);
    } else if (env.APP_BROKEN === 'tcp') {
      server.listen(0, '127.0.0.1', () => console.error(`Listening on port ${server.address().port}`));
    } else if (Number(env.LISTEN_PID) === process.pid) {
      server.listen({ fd: 3 }, () => console.error(`Version ${version} is listening at descriptor 3`));
    } else if (!socketPath) {
      console.error('GRACEFUL_SOCKET is not set');
      process.exit(2);
    } else {
      const path = env.APP_BROKEN === 'wrong-path' ? `${socketPath}.wrong` : socketPath;
      server.listen(path, () => console.error(`Version ${version} is listening on ${path}`));
    }
  },
  Number(env.APP_START_DELAY_MS ?? 0),
);
