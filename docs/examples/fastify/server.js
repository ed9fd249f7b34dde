import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const version = readFileSync('version', 'utf8').trim();

// trustProxy: a unix socket has no client address. keepAliveTimeout: 72 s by default, longer than nginx's.
const app = Fastify({ trustProxy: true });

app.addHook('onRequest', async (_request, reply) => {
  reply.header('X-Version', version);
});
app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request, body) => body);
app.get('/healthz', async () => 'ok\n');
app.post('/', async (request) => request.body);

await app.listen({ path: process.env.GRACEFUL_SOCKET });

process.on('SIGTERM', () => app.close());
