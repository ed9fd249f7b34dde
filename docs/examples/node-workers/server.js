// Node on the socket that graceful has bound: descriptor 3.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const version = readFileSync('version', 'utf8').trim();

const server = createServer((request, response) => {
  response.setHeader('X-Version', version);
  response.setHeader('X-Worker', process.env.GRACEFUL_WORKER);
  if (request.url === '/healthz') response.end('ok\n');
  else request.pipe(response);
});

server.listen({ fd: 3 });

process.on('SIGTERM', () => server.close());
