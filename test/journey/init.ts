// `graceful init`, then `graceful update`: from what another tool ran to an app that answers, with nothing edited in between.
import assert from 'node:assert/strict';
import { request } from 'node:http';
import { describe, it } from 'node:test';
import { skipUnless } from '../rig/requirements.ts';
import { createServer, type Server } from './setup-rig.ts';

const WSGI = `def application(environ, start_response):
    start_response('200 OK', [('Content-Type', 'text/plain')])
    return [b'wsgi']
`;

const ask = (socketPath: string): Promise<string> =>
  new Promise((resolve, reject) => {
    request({ socketPath, path: '/' }, (response) => response.setEncoding('utf8').once('data', resolve))
      .on('error', reject)
      .end();
  });

const comesUp = async (server: Server, name: string, ...init: readonly string[]): Promise<string> => {
  server.succeed('init', '--yes', ...init);
  server.succeed('update');
  return ask(server.join(`shop/var/run/${name}.socket`));
};

describe('init, then update', () => {
  it('package.json: a Node app that listens on PORT', async () => {
    await using server = await createServer();
    assert.equal(await comesUp(server, 'shop'), '1');
  });

  it('a pm2 ecosystem file: one app of two, in a directory of its own', async () => {
    await using server = await createServer();
    server.write('shop/api/server.js', server.read('shop/server.js'));
    server.write('shop/api/version', 'api');
    const apps = [
      { name: 'front', script: 'server.js' },
      {
        name: 'api',
        script: './server.js',
        cwd: 'api',
        instances: 'max',
        exec_mode: 'cluster',
        env: { PORT: 3000 },
        kill_timeout: 5000,
      },
    ];
    server.write('shop/ecosystem.config.js', `module.exports = ${JSON.stringify({ apps })};`);
    assert.equal(await comesUp(server, 'api', '--app', 'api'), 'api');
  });

  it('a supervisord program that listened on a TCP port', { skip: skipUnless('gunicorn') }, async () => {
    await using server = await createServer();
    server.write('shop/wsgi.py', WSGI);
    const conf = `[program:web]\ncommand=gunicorn --bind 127.0.0.1:8000 wsgi:application\ndirectory=${server.join('shop')}\nstopsignal=QUIT\nuser=root\n`;
    server.write('supervisor/web.conf', conf);
    assert.equal(await comesUp(server, 'web', '--from', '../supervisor/web.conf'), 'wsgi');
  });

  it('a Procfile', { skip: skipUnless('gunicorn') }, async () => {
    await using server = await createServer();
    server.write('shop/wsgi.py', WSGI);
    server.write('shop/Procfile', 'web: gunicorn wsgi:application --bind 0.0.0.0:$PORT\n');
    assert.equal(await comesUp(server, 'shop'), 'wsgi');
  });

  it('a Procfile line that needs a shell', { skip: skipUnless('gunicorn') }, async () => {
    await using server = await createServer();
    server.write('shop/wsgi.py', WSGI);
    server.write('shop/Procfile', `web: test -e wsgi.py && gunicorn wsgi:application --bind "[::]:\${PORT:-80}"\n`);
    assert.equal(await comesUp(server, 'shop'), 'wsgi');
  });

  it('wsgi.py, and gunicorn of a virtual environment', { skip: skipUnless('gunicorn') }, async () => {
    await using server = await createServer();
    server.write('shop/package.json', '{}');
    server.write('shop/wsgi.py', WSGI);
    server.write('shop/.venv/bin/gunicorn', '#!/bin/sh\nexec gunicorn "$@"\n', 0o755);
    server.run('rm', ['server.js']);
    assert.equal(await comesUp(server, 'shop'), 'wsgi');
  });

  it('public/index.php: php-fpm is ready, and nginx is told to speak FastCGI', {
    skip: skipUnless('php-fpm'),
  }, async () => {
    await using server = await createServer();
    server.run('rm', ['server.js', 'package.json']);
    server.write('shop/public/index.php', '<?php echo "php";');
    server.succeed('init', '--yes');
    assert.match(server.succeed('update', '--json'), /"backend-ready"[^\n]*FastCGI 200/);
    server.succeed('init', '--yes', '--force', '--health-path', '/up');
    assert.match(
      server.read('shop/graceful.config.yaml'),
      /^health: \{ type: fastcgi, path: \/up, script: public\/index\.php \}$/m,
    );
    assert.match(server.succeed('update', '--json'), /"backend-ready"[^\n]*FastCGI 200/);
    assert.match(
      server.succeed('setup', 'nginx'),
      /fastcgi_pass unix:[^\n]*\/shop\.socket;[\s\S]*SCRIPT_FILENAME public\/index\.php;/,
    );
  });

  it('a command that is typed', async () => {
    await using server = await createServer();
    assert.equal(await comesUp(server, 'shop', '--command', 'PORT=3000 node server.js'), '1');
  });
});
