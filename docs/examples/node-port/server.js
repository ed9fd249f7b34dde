// An app that knows nothing of graceful: `PORT` is all it reads. A string that is no number is a path for listen().
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const version = readFileSync('version', 'utf8').trim();
const port = process.env.PORT ?? 3000;

createServer((request, response) => {
  response.setHeader('X-Version', version);
  if (request.url === '/healthz') response.end('ok\n');
  else request.pipe(response);
}).listen(port, () => console.log(`Listening on ${port}`));
