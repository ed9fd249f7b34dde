// An app that insists on a port: Fastify listens at each address of localhost, and says where.
import { readFileSync } from 'node:fs';
import Fastify from 'fastify';

const version = readFileSync('version', 'utf8').trim();
const app = Fastify({ trustProxy: '127.0.0.1' });

app.addHook('onRequest', async (_request, reply) => {
  reply.header('X-Version', version);
});
app.addContentTypeParser('*', { parseAs: 'buffer' }, async (_request, body) => body);
app.get('/healthz', async () => 'ok\n');
app.post('/', async (request) => request.body);

console.log(await app.listen({ port: Number(process.env.PORT) }), app.addresses());
