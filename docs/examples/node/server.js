// Plain node:http on a unix socket: listen() takes a path wherever it takes a port.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const version = readFileSync('version', 'utf8').trim();

const server = createServer((request, response) => {
  response.setHeader('X-Version', version);
  if (request.url === '/healthz') response.end('ok\n');
  else request.pipe(response);
});

// Longer than nginx keeps an idle connection: nginx is to be the one who closes.
server.keepAliveTimeout = 5_000;

server.listen(process.env.GRACEFUL_SOCKET);

// Answers what it has begun, and ends.
process.on('SIGTERM', () => server.close());
