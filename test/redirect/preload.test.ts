// dist/redirect.cjs: what it makes of the listens of a program that knows of no unix socket.
import assert from 'node:assert/strict';
import { existsSync, mkdirSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { freePort } from '../rig/nginx.ts';
import { ask, createPlace } from './port-app.ts';

const SAY = 'const say = (value) => console.log(JSON.stringify(value));';
const HTTP = `import { createServer } from 'node:http'; ${SAY}
  const server = createServer((request, response) => response.end(String(process.pid)));`;

describe('the preload', { concurrency: 4, timeout: 600_000 }, () => {
  for (const [title, listen, address] of [
    ['a port', 'listen(3000, done)', { address: '::', family: 'IPv6', port: 3000 }],
    ['a string', "listen('3000', done)", { address: '::', family: 'IPv6', port: 3000 }],
    ['a port and a host', "listen(3000, '127.0.0.1', 511, done)", { address: '127.0.0.1', family: 'IPv4', port: 3000 }],
    [
      'options',
      "listen({ port: 3000, host: 'localhost' }, done)",
      { address: '127.0.0.1', family: 'IPv4', port: 3000 },
    ],
    ['nothing', 'listen(done)', { address: '::', family: 'IPv6', port: 0 }],
    [
      'an event',
      "listen({ port: 3000, exclusive: true }).on('listening', done)",
      { address: '::', family: 'IPv6', port: 3000 },
    ],
  ] as const)
    it(`moves a listen by ${title}, and says the address that was asked for`, async () => {
      await using place = await createPlace();
      const app = place.run(`${HTTP} const done = () => say(server.address()); server.${listen};`);
      assert.deepEqual(await app.said(1), [address]);
      assert.equal(await ask(place.socket), String(app.pid));
      assert.equal(app.stderr(), '');
    });

  it('moves net and https servers, in CommonJS too; TLS stays the affair of the app', async () => {
    await using place = await createPlace();
    const echo = place.run(
      `${SAY} const server = require('net').createServer((socket) => socket.end('hello')).listen(3000, () => say(1));`,
      { type: 'cjs' },
    );
    await echo.said(1);
    assert.equal(await text(connect(place.socket)), 'hello');
    await echo.kill('SIGKILL');

    const key = Buffer.from('a shared key');
    const secure = place.run(
      `${SAY} require('https').createServer({ ciphers: 'PSK', pskCallback: () => Buffer.from('${key}') }, (request, response) =>
        response.end(request.socket.remoteAddress)).listen(443, () => say(1));`,
      { type: 'cjs' },
    );
    await secure.said(1);
    const body = await new Promise<string>((resolve, reject) => {
      const options = {
        socketPath: place.socket,
        ciphers: 'PSK+HIGH',
        maxVersion: 'TLSv1.2' as const,
        pskCallback: () => ({ identity: 'me', psk: key }),
        checkServerIdentity: () => undefined,
        agent: false,
      };
      httpsRequest(options, (response) => resolve(text(response)))
        .on('error', reject)
        .end();
    });
    assert.equal(body, '127.0.0.1');
  });

  it('shows clients as a proxy on this machine would have been seen', async () => {
    await using place = await createPlace();
    const app = place.run(
      `${SAY} require('http').createServer(({ socket }, response) => response.end(
      [socket.remoteAddress, socket.remoteFamily, socket.localAddress, socket.localPort].join(' '))).listen(8080, () => say(1));`,
      { type: 'cjs' },
    );
    await app.said(1);
    assert.equal(await ask(place.socket), '127.0.0.1 IPv4 127.0.0.1 8080');
  });

  it('leaves the second listen alone, and listens at paths and descriptors', async () => {
    await using place = await createPlace();
    const own = `${place.socket}.own`;
    const app = place.run(`${HTTP}
      createServer((request, response) => response.end('own')).listen('${own}', () =>
      server.listen(3000, () => {
        const metrics = createServer((request, response) => response.end('metrics')).listen(${await freePort()}, '127.0.0.1', () => say(metrics.address().port));
      }));`);
    const [port] = await app.said(1);
    assert.deepEqual(
      [await ask(own), await ask(port as number), await ask(place.socket)],
      ['own', 'metrics', String(app.pid)],
    );
  });

  it('with PORT set, the listen at that port is meant, not the first one', async () => {
    await using place = await createPlace();
    const app = place.run(
      `${HTTP}
      const metrics = createServer((request, response) => response.end('metrics')).listen(0, '127.0.0.1', () => {
        say(metrics.address().port);
        server.listen(process.env.PORT, () => say(server.address().port));
      });`,
      { env: { PORT: '3000' } },
    );
    const [port, own] = await app.said(2);
    assert.equal(own, 3000);
    assert.deepEqual([await ask(port as number), await ask(place.socket)], ['metrics', String(app.pid)]);
  });

  it('a listen at the same port for another address of localhost succeeds, and takes nothing', async () => {
    await using place = await createPlace();
    const app = place.run(`${HTTP}
      server.listen(3000, '127.0.0.1', () => {
        const twin = createServer().listen(3000, '::1', () => {
          say(twin.address());
          twin.close(() => say(twin.address()));
        });
      });`);
    assert.deepEqual(await app.said(2), [{ address: '::1', family: 'IPv6', port: 3000 }, null]);
    assert.equal(await ask(place.socket), String(app.pid));
  });

  it('who tries whether the port is free, closes and listens, gets it again', async () => {
    await using place = await createPlace();
    const app = place.run(`${HTTP}
      const trial = createServer().listen(3000, () => trial.close(() => server.listen(3000, () => say(1))));`);
    await app.said(1);
    assert.equal(await ask(place.socket), String(app.pid));
  });

  it('a second process takes no socket from the first: its port stays a port, and it says so', async () => {
    await using place = await createPlace();
    const first = place.run(`${HTTP} server.listen(3000, () => say(1));`);
    await first.said(1);
    const second = place.run(`${HTTP} server.listen(0, '127.0.0.1', () => say(server.address().port));`);
    const [port] = await second.said(1);
    assert.deepEqual([await ask(place.socket), await ask(port as number)], [String(first.pid), String(second.pid)]);
    assert.match(second.stderr(), /^graceful: listen: redirect left a port as it is: another process .* already\n$/);
  });

  it('a process that comes after one that was killed under its wrapper gets the socket', async () => {
    await using place = await createPlace();
    const first = place.run(`${HTTP} server.listen(3000, () => say(1));`);
    await first.said(1);
    await first.kill('SIGKILL');
    assert.ok(existsSync(place.socket));
    const second = place.run(`${HTTP} server.listen(3000, () => say(1));`);
    await second.said(1);
    assert.equal(await ask(place.socket), String(second.pid));
  });

  it('where the socket cannot be, the app listens at its port, with its callback called once', async () => {
    await using place = await createPlace();
    mkdirSync(place.socket);
    for (const socket of [place.socket, `${place.socket}/no/such/directory`]) {
      const app = place.run(
        `${HTTP}
        server.listen(0, '127.0.0.1', () => say(server.address().port)).on('error', () => say('an error'));`,
        { env: { GRACEFUL_SOCKET: socket } },
      );
      const [port, ...more] = await app.said(1);
      assert.deepEqual([await ask(port as number), more], [String(app.pid), []]);
      assert.equal(app.stderr().match(/^graceful: listen: redirect left/gm)?.length, 1, app.stderr());
    }
  });

  it('what Node refuses stays refused: a bad port throws, a listen twice throws', async () => {
    await using place = await createPlace();
    const app = place.run(`${HTTP}
      const codeOf = (port) => { try { server.listen(port); } catch (error) { return error.code; } };
      say([codeOf(70_000), codeOf({}), codeOf(3000), codeOf(3000)]);`);
    assert.deepEqual(await app.said(1), [
      ['ERR_SOCKET_BAD_PORT', 'ERR_INVALID_ARG_VALUE', null, 'ERR_SERVER_ALREADY_LISTEN'],
    ]);
  });

  it("the workers of an app's own cluster share the socket, and their other ports stay ports", async () => {
    await using place = await createPlace();
    const app = place.run(`import cluster from 'node:cluster'; ${HTTP}
      if (cluster.isPrimary) for (const _ of [1, 2, 3]) cluster.fork();
      else server.listen(3000, () => {
        const metrics = createServer().listen(0, '127.0.0.1', () => say([process.pid, server.address().port, metrics.address().port > 0]));
      });`);
    const said = (await app.said(3)) as [number, number, boolean][];
    assert.deepEqual(
      said.map(([, ...rest]) => rest),
      [
        [3000, true],
        [3000, true],
        [3000, true],
      ],
    );
    const answers = new Set<string>();
    for (let round = 0; round < 9; round++) answers.add(await ask(place.socket));
    assert.deepEqual([...answers].sort(), said.map(([pid]) => String(pid)).sort());
  });
});
