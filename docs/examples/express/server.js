// app.listen() is server.listen(): it takes a path.
import { readFileSync } from 'node:fs';
import express from 'express';

const version = readFileSync('version', 'utf8').trim();
const app = express();

// The client's address is in X-Forwarded-For: a unix socket has none.
app.set('trust proxy', true);
app.use((_request, response, next) => {
  response.set('X-Version', version);
  next();
});
app.get('/healthz', (_request, response) => response.send('ok\n'));
app.post('/', express.raw({ type: '*/*' }), (request, response) => response.send(request.body));

const server = app.listen(process.env.GRACEFUL_SOCKET);

process.on('SIGTERM', () => server.close());
