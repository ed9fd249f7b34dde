// What nginx/*.conf promises, by the very files: a real nginx in front of the example apps, and php-fpm for FastCGI.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, open, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { pointLink, startApp } from './rig/app.ts';
import { startLoad } from './rig/load.ts';
import { NO_FAILURES } from './rig/load-report.ts';
import { shippedConfig, startNginx } from './rig/nginx.ts';
import { inRepo } from './rig/paths.ts';
import { need, skipUnless } from './rig/requirements.ts';
import { type TempDir, tempDir } from './rig/temp-dir.ts';
import { until } from './rig/until.ts';
import { openWebSocket } from './rig/web-socket.ts';

/** A backend that answers whatever is no POST, and takes a POST without ever answering. */
const TAKES_ORDERS = `require('node:http').createServer((request, response) =>
  request.method === 'POST' ? console.log('took an order') : response.end()
).listen(process.argv[1], () => console.log('listening'))`;

for (const config of ['plain', 'keepalive'] as const) {
  describe(`nginx/graceful-${config}.conf`, { skip: skipUnless('nginx', 'wrk') }, () => {
    test('tells the app who asked, for what host, and how', async () => {
      await using dir = await tempDir();
      const link = await linkToApp(dir);
      await using _app = await startApp({ socketPath: dir.join('app-a.socket') });
      await using nginx = await startNginx({ config, socketPath: link });
      const headers = await getJson(nginx.port, '/headers', {
        'X-Forwarded-For': '192.0.2.1',
        'X-Forwarded-Proto': 'https',
      });
      assert.equal(headers['host'], '127.0.0.1');
      assert.equal(headers['x-forwarded-host'], '127.0.0.1');
      assert.equal(headers['x-forwarded-for'], '192.0.2.1, 127.0.0.1');
      assert.equal(headers['x-forwarded-proto'], 'http');
      assert.equal(headers['x-real-ip'], '127.0.0.1');
      assert.equal(headers['connection'], config === 'plain' ? 'close' : undefined);
      assert.equal(nginx.errorLog(), '');
    });

    test('passes WebSockets and event streams on', async () => {
      await using dir = await tempDir();
      const link = await linkToApp(dir);
      await using _app = await startApp({ socketPath: dir.join('app-a.socket'), env: { APP_VERSION: '41' } });
      await using nginx = await startNginx({ config, socketPath: link });
      const socket = await openWebSocket(nginx);
      assert.equal(await socket.echo('still there?'), 'still there?');
      assert.equal(socket.version, '41');
      socket.close();
      const leave = new AbortController();
      const events = await fetch(`http://127.0.0.1:${nginx.port}/events`, { signal: leave.signal });
      const first = await events.body?.getReader().read();
      assert.equal(new TextDecoder().decode(first?.value), 'data: version 41\n\n');
      leave.abort();
    });

    test('moves the traffic with the link and loses nothing, and nginx lets go of the old slot', async () => {
      await using dir = await tempDir();
      const link = await linkToApp(dir);
      await using _a = await startApp({
        socketPath: dir.join('app-a.socket'),
        env: { APP_VERSION: '41', APP_DELAY: '0-3' },
      });
      await using _b = await startApp({
        socketPath: dir.join('app-b.socket'),
        env: { APP_VERSION: '42', APP_DELAY: '0-3' },
      });
      await using nginx = await startNginx({ config, socketPath: link });
      const load = startLoad({ port: nginx.port });
      await load.flowing;
      await pointLink(link, 'app-b.socket');
      // With nginx's defaults it would be a minute, or an hour.
      await until('nginx lets go', async () => (await connectionsTo(dir.join('app-a.socket'))) === 0, 50_000);
      const report = await load.stop();
      assert.deepEqual(report.failures, NO_FAILURES, report.examples.join('\n'));
      assert.deepEqual(Object.keys(report.versions), ['41', '42']);
      assert.equal(nginx.errorLog(), '');
    });

    test('a backend killed under load is seen: its requests are counted as failed', async () => {
      await using dir = await tempDir();
      const link = await linkToApp(dir);
      await using app = await startApp({ socketPath: dir.join('app-a.socket'), env: { APP_DELAY: '0-3' } });
      await using nginx = await startNginx({ config, socketPath: link });
      const load = startLoad({ port: nginx.port });
      await load.flowing;
      app.kill('SIGKILL');
      await app.exited;
      const report = await load.stop();
      assert.ok(report.failures.non2xx > 0);
      assert.deepEqual(report.failures, { ...NO_FAILURES, non2xx: report.failures.non2xx });
      assert.equal(report.statuses['502'], report.failures.non2xx);
    });

    test('a POST is never sent twice, not even when its backend dies', async () => {
      await using dir = await tempDir();
      const link = await linkToApp(dir);
      await using _b = await startApp({ socketPath: dir.join('app-b.socket') });
      const silent = spawn(process.execPath, ['-e', TAKES_ORDERS, dir.join('app-a.socket')], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const says = (): Promise<string> => once(silent.stdout, 'data').then(([word]) => String(word).trim());
      assert.equal(await says(), 'listening');
      await using nginx = await startNginx({ config, socketPath: link });
      const url = `http://127.0.0.1:${nginx.port}`;
      assert.equal((await fetch(url)).status, 200);
      const [answer, said] = [fetch(url, { method: 'POST', body: 'order' }), says()];
      assert.equal(await said, 'took an order');
      // Who sent it once more would be answered.
      await pointLink(link, 'app-b.socket');
      silent.kill('SIGKILL');
      assert.equal((await answer).status, 502);
    });
  });
}

describe('nginx/graceful-fastcgi.conf', { skip: skipUnless('nginx', 'wrk', 'php-fpm') }, () => {
  test('moves the traffic with the link and loses nothing, and each slot runs the code of its own release', async () => {
    await using dir = await tempDir();
    const link = dir.join('fastcgi.socket');
    await using _a = await startPhp(dir, 'a', '41');
    await using _b = await startPhp(dir, 'b', '42');
    await pointLink(link, 'fastcgi-a.socket');
    await using nginx = await startNginx({ config: 'fastcgi', socketPath: link });
    const load = startLoad({ port: nginx.port });
    await load.flowing;
    await pointLink(link, 'fastcgi-b.socket');
    while ((await connectionsTo(dir.join('fastcgi-a.socket'))) > 0) await sleep(10);
    const report = await load.stop();
    assert.deepEqual(report.failures, NO_FAILURES, report.examples.join('\n'));
    assert.deepEqual(Object.keys(report.versions), ['41', '42']);
    const server = await getJson(nginx.port, '/server', { 'X-Forwarded-For': '192.0.2.1', Proxy: 'evil' });
    assert.equal(server['SCRIPT_NAME'], '/index.php');
    assert.equal(server['HTTP_X_FORWARDED_FOR'], '192.0.2.1, 127.0.0.1');
    assert.equal(server['HTTP_X_FORWARDED_PROTO'], 'http');
    assert.equal(server['HTTP_HOST'], `127.0.0.1:${nginx.port}`);
    assert.equal(server['HTTP_PROXY'] ?? '', '');
    assert.equal(nginx.errorLog(), '');
  });
});

test('the three configurations can stand side by side in conf.d', { skip: skipUnless('nginx') }, async () => {
  await using dir = await tempDir();
  for (const [index, config] of (['plain', 'keepalive', 'fastcgi'] as const).entries()) {
    await writeFile(
      dir.join(`${config}.conf`),
      await shippedConfig({ config, socketPath: dir.join('app.socket') }, 18080 + index),
    );
  }
  const log = dir.join('error.log');
  await writeFile(
    dir.join('nginx.conf'),
    `pid ${dir.path}/nginx.pid; error_log ${log}; events {} http { include ${dir.path}/plain.conf; include ${dir.path}/keepalive.conf; include ${dir.path}/fastcgi.conf; }`,
  );
  execFileSync(need('nginx'), ['-t', '-q', '-p', dir.path, '-c', dir.join('nginx.conf'), '-e', log], { stdio: 'pipe' });
  assert.equal(await readFile(log, 'utf8'), '');
});

const linkToApp = async (dir: TempDir): Promise<string> => {
  await pointLink(dir.join('app.socket'), 'app-a.socket');
  return dir.join('app.socket');
};

/** What a JSON answer says. */
const getJson = async (
  port: number,
  path: string,
  headers: Record<string, string>,
): Promise<Record<string, unknown>> => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
  return (await response.json()) as Record<string, unknown>;
};

/** A php-fpm with a release of its own, started as graceful would start it. */
const startPhp = async (dir: TempDir, slot: 'a' | 'b', version: string): Promise<AsyncDisposable> => {
  const release = dir.join(`release-${version}`);
  await cp(inRepo('test/apps/php-app'), release, { recursive: true });
  await writeFile(`${release}/version`, `${version}\n`);
  const socketPath = dir.join(`fastcgi-${slot}.socket`);
  // A file, as graceful gives it: php-fpm cannot open /dev/stderr anew if that is a socket.
  const log = await open(`${release}/log`, 'a');
  const php = spawn(need('php-fpm'), ['-F', ...(userInfo().uid === 0 ? ['-R'] : []), '-y', 'php-fpm.conf'], {
    cwd: release,
    stdio: ['ignore', 'ignore', log.fd],
    env: { ...process.env, GRACEFUL_SOCKET: socketPath, PHP_USER: userInfo().username },
  });
  await log.close();
  const exited = once(php, 'exit');
  while (!(await accepts(socketPath))) {
    if (php.exitCode !== null) throw new Error(`php-fpm ended: ${await readFile(`${release}/log`, 'utf8')}`);
    await sleep(5);
  }
  return {
    [Symbol.asyncDispose]: async () => {
      php.kill('SIGTERM');
      await exited;
    },
  };
};

const accepts = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(socketPath, () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

/** Connections queued at or accepted from a socket: states 02 and 03 of the kernel's table. */
const connectionsTo = async (socketPath: string): Promise<number> =>
  (await readFile('/proc/net/unix', 'utf8')).split('\n').filter((line) => {
    const [, , , , , state, , path] = line.trim().split(/\s+/);
    return path === socketPath && (state === '02' || state === '03');
  }).length;
