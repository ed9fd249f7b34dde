// `listen: redirect`: a Node app that knows only its port, as a backend.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { inRepo } from '../rig/paths.ts';
import { environmentOf } from '../rig/processes.ts';
import { failureOf, type TestApp, type TestAppOptions } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const BODY = `const server = createServer((request, response) => {
  response.setHeader('X-Version', readFileSync(process.env.APP_VERSION_FILE, 'utf8').trim());
  response.end(JSON.stringify([process.pid, maxHeaderSize, server.address().port]));
}).listen(process.env.PORT ?? 3000, () => console.log('http://localhost:' + server.address().port));
process.on('SIGTERM', () => server.close(() => process.exit()));`;

const MODULE = `import { createServer, maxHeaderSize } from 'node:http'; import { readFileSync } from 'node:fs';\n${BODY}`;
const COMMON_JS = `const { createServer, maxHeaderSize } = require('http'); const { readFileSync } = require('fs');\n${BODY}`;

onEachHost('listen: redirect', (createApp) => {
  const portApp = async (config: TestAppOptions['config'] = {}, env: TestAppOptions['env'] = {}): Promise<TestApp> => {
    const app = await createApp({ config: { listen: 'redirect', command: ['node', 'app.mjs'], ...config }, env });
    writeFileSync(join(app.dir, 'app.mjs'), MODULE);
    writeFileSync(join(app.dir, 'app.cjs'), COMMON_JS);
    writeFileSync(join(app.dir, 'package.json'), JSON.stringify({ private: true, scripts: { start: 'node app.cjs' } }));
    return app;
  };
  const answer = async (app: TestApp): Promise<readonly number[]> => JSON.parse((await app.get('/')).body);

  it('moves an app from its port to the slots, both at once; it keeps its own NODE_OPTIONS', async () => {
    await using app = await portApp({}, { PORT: '4321', NODE_OPTIONS: '--max-http-header-size=20000' });
    await app.succeed('start');
    await app.succeed('update');
    assert.deepEqual(await answer(app), [app.pid('b'), 20_000, 4_321]);
    app.configure({ command: ['node', 'app.cjs'] });
    await app.succeed('update');
    assert.deepEqual(await answer(app), [app.pid('a'), 20_000, 4_321]);
    const { slots } = await app.status();
    assert.deepEqual(
      slots.map(({ state }) => state),
      ['ready', 'ready'],
    );
    await app.succeed('stop', '--all');
    assert.deepEqual(app.processes(), []);
  });

  it('reaches through npm start', async () => {
    await using app = await portApp({ command: ['npm', 'start'] });
    await app.succeed('start');
    const [pid] = await answer(app);
    assert.notEqual(pid, app.pid('a'));
    await app.succeed('update');
    assert.notEqual((await answer(app))[0], pid);
    await app.succeed('stop', '--all');
    assert.deepEqual(app.processes(), []);
  });

  it('gives all workers the same socket', async () => {
    await using app = await portApp({ workers: 2 });
    await app.succeed('start');
    const workers = await until('2 workers run', async () => {
      const found = (await app.status()).slots[0]?.workers ?? [];
      return found.length === 2 && found;
    });
    for (const { pid } of workers.slice(1)) process.kill(pid, 'SIGKILL');
    // By the one that is left, or by the one that comes in place of the other.
    assert.notEqual((await answer(app))[0], workers[1]?.pid);
    await until('both answer', async () => {
      const pids = await Promise.all(Array.from({ length: 20 }, async () => (await answer(app))[0]));
      return new Set(pids).size === 2;
    });
  });

  it('is not handed on twice by a graceful that the app calls', async () => {
    const preload = `--require ${inRepo('dist/redirect.cjs')}`;
    await using app = await createApp({
      managerEnv: { GRACEFUL_REDIRECT: preload, NODE_OPTIONS: `${preload} --title=mine` },
      config: { listen: 'redirect' },
    });
    await app.succeed('start');
    assert.equal(environmentOf(app.pid('a') as number)['NODE_OPTIONS'], `${preload} --title=mine`);
    app.configure({ listen: 'path' });
    await app.succeed('update');
    assert.equal(environmentOf(app.pid('b') as number)['NODE_OPTIONS'], '--title=mine');
  });
});

onEachHost('a Node app that listens at a port', (createApp) => {
  it('is told of listen: redirect', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({ config: { startTimeout: '10s' }, env: { APP_BROKEN: 'tcp' } });
    const run = await app.graceful('start');
    assert.match(failureOf(run, 'not-ready').details.listensAt.join(), /^TCP port \d+$/);
    assert.match((await app.plain('start')).stderr, /if it is a Node app, set `listen: redirect`/);
  });
});
