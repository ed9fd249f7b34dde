// An app that insists on a port, and believes a proxy on its own machine.
const { readFileSync } = require('node:fs');
const express = require('express');

const version = readFileSync('version', 'utf8').trim();
const app = express();

app.set('trust proxy', 'loopback');
app.use((request, response, next) => {
  if (!request.ip) throw new Error('the client has no address');
  response.set('X-Version', version);
  next();
});
app.get('/healthz', (_request, response) => response.send('ok\n'));
app.post('/', express.raw({ type: '*/*' }), (request, response) => response.send(request.body));

const server = app.listen(3000, () => console.log(`http://localhost:${server.address().port}`));
