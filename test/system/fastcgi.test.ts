// The FastCGI health check, asked of a real php-fpm and of what is none.
import assert from 'node:assert/strict';
import { cpSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { inRepo } from '../rig/paths.ts';
import { need, skipUnless } from '../rig/requirements.ts';
import { createTestApp, eventsOf, failureOf, type TestApp } from '../rig/test-app.ts';

const CHECK = { type: 'fastcgi', interval: '20ms', timeout: '5s' };

async function phpApp(health: Readonly<Record<string, unknown>>): Promise<TestApp> {
  const app = await createTestApp({
    name: 'fastcgi',
    config: {
      command: [need('php-fpm'), '-F', ...(userInfo().uid === 0 ? ['-R'] : []), '-y', 'php-fpm.conf'],
      health: { ...CHECK, ...health },
    },
    env: { PHP_USER: userInfo().username },
  });
  cpSync(inRepo('test/apps/php-app'), app.dir, { recursive: true });
  writeFileSync(`${app.dir}/teapot.php`, '<?php http_response_code(418); echo "short and stout";');
  writeFileSync(`${app.dir}/forever.php`, '<?php ob_implicit_flush(); for (;;) { echo str_repeat("x", 65536); }');
  return app;
}

describe('health: fastcgi', { skip: skipUnless('php-fpm'), concurrency: 3 }, () => {
  it('passes by the ping of the pool, and the switch is checked by it through the link', async () => {
    await using app = await phpApp({ path: '/ping' });
    const run = await app.succeed('start');
    assert.equal(eventsOf(run, 'backend-ready')[0]?.detail, 'FastCGI 200');
    assert.equal((await app.succeed('update')).outcome?.operation, 'update');
  });

  it('passes or fails by the status of a script', async () => {
    await using app = await phpApp({ path: '/teapot', script: 'teapot.php', status: 418 });
    await app.succeed('start');
    app.configure({ health: { ...CHECK, path: '/teapot', script: 'teapot.php' }, startTimeout: '10s' });
    const failure = failureOf(await app.graceful('update'), 'not-ready');
    assert.equal(failure.details.lastProbe, 'FastCGI 418');
  });

  it('fails for a script that is not there, and says what php-fpm said', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await phpApp({ path: '/', script: 'gone.php' });
    app.configure({ startTimeout: '10s' });
    assert.equal(failureOf(await app.graceful('start'), 'not-ready').details.lastProbe, 'FastCGI 404');
  });

  it('is content with the headers of an answer that never ends', async () => {
    await using app = await phpApp({ path: '/', script: 'forever.php', timeout: '2s' });
    const run = await app.succeed('start');
    assert.equal(eventsOf(run, 'backend-ready')[0]?.detail, 'FastCGI 200');
  });

  it('fails for a backend that speaks HTTP, in words', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createTestApp({ config: { health: CHECK, startTimeout: '10s' } });
    const { lastProbe } = failureOf(await app.graceful('start'), 'not-ready').details;
    assert.match(lastProbe, /the answer is not FastCGI/);
  });
});
