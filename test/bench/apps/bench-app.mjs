#!/usr/bin/env node
// The app of the benchmarks: the same logic under every manager. It echoes what is POSTed and says its version, which it
// reads once, at its start, from the file `version` in $BENCH_DIR: `7`, or `7 exits` for one that is broken.
//
//   BENCH_ON_SIGTERM=close  finishes its requests first, and lets go of kept connections; `exit`: no handler at all
//   BENCH_DELAY=0-3         each request takes a random time between these milliseconds
//   BENCH_SLOW_SHARE=0.05   this share of the requests takes 500 ms
//   BENCH_WAIT_READY=1      tells pm2 when it listens
//   BENCH_SAY=pid           says its pid instead of its version
//
// It listens on what its manager gives it: a descriptor of Server::Starter's or graceful's, a unix socket, or a port.
import { readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';

const { env } = process;
const [version, broken] = readFileSync(`${env.BENCH_DIR}/version`, 'utf8').trim().split(' ');
const [minDelayMs = 0, maxDelayMs = minDelayMs] = (env.BENCH_DELAY ?? '0').split('-').map(Number);
const slowShare = Number(env.BENCH_SLOW_SHARE ?? 0);

if (broken === 'exits') {
  console.error('Error: relation "orders" has no column "total"');
  process.exit(3);
}

const server = createServer((request, response) => {
  const chunks = [];
  request.on('data', (chunk) => chunks.push(chunk));
  request.on('end', () => {
    const body = request.method === 'POST' ? Buffer.concat(chunks) : `version ${version}\n`;
    if (broken === 'errors') answer(response, 500, `version ${version} is broken\n`);
    else if (request.url === '/healthz') answer(response, 200, body);
    else setTimeout(answer, delayMs(), response, 200, body);
  });
});

let closing = false;

const answer = (response, status, body) => {
  response.writeHead(status, {
    // Or the connection would be kept, and the server not closed before it times out.
    ...(closing ? { Connection: 'close' } : {}),
    'X-Version': env.BENCH_SAY === 'pid' ? process.pid : version,
    'X-Pid': process.pid,
    'Content-Type': 'application/octet-stream',
    'Content-Length': Buffer.byteLength(body),
  });
  response.end(body);
};

const delayMs = () => (Math.random() < slowShare ? 500 : minDelayMs + Math.random() * (maxDelayMs - minDelayMs));

if (env.BENCH_ON_SIGTERM !== 'exit') {
  const close = () => {
    closing = true;
    server.close(() => process.exit(0));
    server.closeIdleConnections();
  };
  process.on('SIGTERM', close);
  process.on('SIGINT', close); // pm2's
}

const ready = () => {
  if (env.BENCH_WAIT_READY) process.send?.('ready');
};

if (broken === 'never-listens') setInterval(() => {}, 1 << 30);
else if (env.SERVER_STARTER_PORT) server.listen({ fd: Number(env.SERVER_STARTER_PORT.split('=').at(-1)) }, ready);
else if (Number(env.LISTEN_PID) === process.pid) server.listen({ fd: 3 }, ready);
else if (env.PORT) server.listen(Number(env.PORT), '127.0.0.1', ready);
else {
  const path = env.GRACEFUL_SOCKET ?? env.BENCH_SOCKET;
  // As users do whose manager leaves the old socket file to them.
  if (env.BENCH_SOCKET) rmSync(path, { force: true });
  server.listen(path, ready);
}
