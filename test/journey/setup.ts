// `graceful setup` with the real nginx, crontab(1), systemd-analyze and logrotate. Nothing of this machine is touched but the
// crontab of nobody, which is put back as it was.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, cpSync, existsSync, readdirSync, readlinkSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { AppFacts } from '../../src/setup/app-facts.ts';
import { setupSystemd } from '../../src/setup/systemd.ts';
import { inRepo } from '../rig/paths.ts';
import { need, skipUnless } from '../rig/requirements.ts';
import { until } from '../rig/until.ts';
import { createServer, nginxRoot } from './setup-rig.ts';

const get = (port: number): Promise<string> => fetch(`http://127.0.0.1:${port}/`).then((response) => response.text());

describe('graceful setup nginx', { skip: skipUnless('nginx') }, () => {
  for (const layout of ['debian', 'conf.d'] as const)
    it(`--write makes a running nginx serve the app, twice is once, --remove leaves nothing: ${layout}`, async () => {
      await using server = await createServer();
      const { port, root, start } = await nginxRoot(server, layout);
      await using _nginx = await start();
      server.succeed('init', '--yes');
      server.succeed('update');
      const args = ['setup', 'nginx', '--listen', `127.0.0.1:${port}`, '--server-name', 'shop.example.org'];
      assert.match(
        server.succeed(...args, '--write', '--reload'),
        /nginx -t: the configuration is right\nnginx -s reload/,
      );
      assert.equal(await until('nginx serves the app', () => get(port).catch(() => null)), '1');
      const file = join(root, layout === 'debian' ? 'sites-available' : 'conf.d', 'graceful-shop.conf');
      assert.ok(existsSync(file));
      if (layout === 'debian') assert.equal(readlinkSync(join(root, 'sites-enabled/graceful-shop.conf')), file);
      assert.match(server.succeed(...args, '--write'), /nothing to do/);
      assert.match(server.succeed(...args, '--write', '--reload'), /nginx -s reload: nginx uses it now/);
      assert.match(server.succeed('setup', 'nginx', '--remove', '--reload'), /took it out/);
      assert.match(server.succeed('setup', 'nginx', '--remove'), /nothing to do/);
      assert.deepEqual(
        readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((path) => /graceful/.test(path)),
        [],
      );
      await until('nginx does not listen there any more', () =>
        get(port).then(
          () => false,
          () => true,
        ),
      );
    });

  it('what nginx does not take is taken back: nothing is left, and nginx goes on', async () => {
    await using server = await createServer();
    const { root } = await nginxRoot(server, 'debian');
    server.succeed('init', '--yes');
    const { status, stderr } = server.graceful('setup', 'nginx', '--listen', 'nowhere:xx', '--write');
    assert.equal(status, 1);
    assert.match(stderr, /nginx does not take[\s\S]*\| nginx: \[emerg\][^\n]*nowhere/);
    assert.deepEqual(readdirSync(join(root, 'sites-enabled')), []);
    assert.deepEqual(readdirSync(join(root, 'sites-available')), []);
    server.succeed('setup', 'nginx', '--listen', '127.0.0.1:18080', '--write');
    const before = server.read('nginx/sites-available/graceful-shop.conf');
    assert.equal(server.graceful('setup', 'nginx', '--listen', 'nowhere:xx', '--write').status, 1);
    assert.equal(server.read('nginx/sites-available/graceful-shop.conf'), before);
  });

  it('a configuration of nginx that is wrong already is not blamed on the app, and not added to', async () => {
    await using server = await createServer();
    await nginxRoot(server, 'debian');
    server.succeed('init', '--yes');
    server.write('nginx/sites-enabled/other', 'nonsense;\n');
    const { status, stderr } = server.graceful('setup', 'nginx', '--write');
    assert.equal(status, 1);
    assert.match(stderr, /fails already[\s\S]*unknown directive "nonsense"/);
    assert.deepEqual(readdirSync(server.join('nginx/sites-available')), []);
  });

  for (const variant of ['plain', 'keepalive', 'fastcgi'])
    it(`two apps side by side with the variant ${variant}: nginx takes both without a warning`, async () => {
      await using server = await createServer();
      const { port } = await nginxRoot(server, 'debian');
      for (const name of ['my-shop', 'blog.2']) {
        server.succeed('init', '-c', `${name}.yaml`, '--yes', '--name', name);
        const listen = `127.0.0.1:${name === 'blog.2' ? port : 18081}`;
        server.succeed('-c', `${name}.yaml`, 'setup', 'nginx', '--variant', variant, '--listen', listen, '--write');
      }
      const { stderr } = server.run(server.join('bin/nginx'), ['-t']);
      assert.doesNotMatch(stderr, /warn|emerg/);
    });
});

describe('graceful setup systemd', { skip: skipUnless('systemd') }, () => {
  for (const args of [
    ['--mode', 'supervisor'],
    ['--mode', 'timers'],
    ['--mode', 'supervisor', '--user'],
    ['--mode', 'timers', '--user'],
  ])
    it(`${args.join(' ')}: systemd has nothing to say against it; twice is once; --remove leaves nothing`, async () => {
      await using server = await createServer();
      server.succeed('init', '--yes');
      const there = [...args, '--to', server.join('units')];
      assert.match(
        server.succeed('setup', 'systemd', ...there, '--write'),
        /systemd-analyze verify: nothing to complain about/,
      );
      assert.equal(readdirSync(server.join('units')).length, args.includes('timers') ? 4 : 1);
      assert.match(server.succeed('setup', 'systemd', ...there, '--write'), /nothing to do/);
      // Whatever the mode was: it need not be said again.
      server.succeed('setup', 'systemd', ...there.filter((word) => word !== '--mode' && word !== args[1]), '--remove');
      assert.deepEqual(readdirSync(server.join('units')), []);
    });

  it('--remove looks whose the units are before it stops anything: with one that was edited all of them stay', async () => {
    await using server = await createServer();
    server.succeed('init', '--yes');
    const there = ['setup', 'systemd', '--mode', 'timers', '--to', server.join('units')];
    server.succeed(...there, '--write');
    const [first = '', ...others] = readdirSync(server.join('units')).toReversed();
    appendFileSync(join(server.join('units'), first), 'Environment=MINE=1\n');
    const { status, stdout, stderr } = server.graceful(...there, '--remove');
    assert.equal(status, 1);
    assert.match(stderr, /was edited since graceful wrote it/);
    assert.doesNotMatch(stdout, /disable/);
    assert.equal(readdirSync(server.join('units')).length, others.length + 1);
  });

  it('a unit that systemd would not run is refused with what systemd says', async () => {
    await using server = await createServer();
    server.succeed('init', '--yes');
    const { outcome } = JSON.parse(server.succeed('setup', 'systemd', '--json'));
    assert.equal(outcome.action, 'printed');
    const facts = {
      ...({
        name: 'shop',
        configFile: '/srv/shop/x.yaml',
        user: 'root',
        group: 'root',
        path: '/usr/bin',
        missing: [],
        link: '/x',
      } as const),
      config: {
        stateDir: '/run/shop',
        socketGroup: null,
        schedule: { stopInactiveOlderThanMs: 1 },
        startTimeoutMs: 1,
        drainTimeoutMs: 1,
        stopTimeoutMs: 1,
        hooks: { beforeStart: null, afterSwitch: null },
        hookTimeoutMs: 1,
        release: null,
      },
      graceful: [server.join('no-such-node'), 'graceful'],
      env: process.env,
    } as unknown as AppFacts;
    const options = { ...NO_OPTIONS, action: 'write', to: server.join('units'), mode: 'supervisor' } as const;
    await assert.rejects(setupSystemd(facts, options), (error) => /does not take it/.test(String(error)));
    assert.equal(existsSync(server.join('units')), false);
  });
});

const NO_OPTIONS = {
  force: false,
  serverName: null,
  listen: null,
  variant: null,
  user: false,
  kind: null,
  repo: null,
  branch: null,
  reload: false,
  enable: false,
} as const;

describe('graceful setup logrotate', { skip: skipUnless('logrotate') }, () => {
  it('--write: logrotate takes it, and rotates with it while the app writes', async () => {
    await using server = await createServer();
    server.succeed('init', '--yes');
    server.write('shop/server.js', `${server.read('shop/server.js')}console.log('listening');\n`);
    server.succeed('update');
    const path = server.join('logrotate.d/graceful-shop');
    assert.match(server.succeed('setup', 'logrotate', '--to', path, '--write'), /logrotate -d: the file is right/);
    assert.match(server.succeed('setup', 'logrotate', '--to', path, '--write'), /nothing to do/);
    const log = server.join('shop/var/run/shop-a.log');
    await until('the app has written', () => statSync(log).size > 0);
    const { status, stderr } = server.run(need('logrotate'), ['--force', '--state', server.join('state'), path]);
    assert.equal(status, 0, stderr);
    assert.equal(statSync(log).size, 0);
    assert.match(server.read('shop/var/run/shop-a.log.1'), /listening/);
    server.succeed('setup', 'logrotate', '--to', path, '--remove');
    assert.equal(existsSync(path), false);
  });
});

describe('graceful setup crontab', {
  skip: skipUnless('cron') || (process.geteuid?.() !== 0 && 'needs root, to be another user'),
}, () => {
  const NOBODY = { uid: 65534, gid: 65534 };
  const crontab = (args: readonly string[], input = '') =>
    spawnSync('crontab', args, { ...NOBODY, input, encoding: 'utf8' });

  it('--write adds two lines, every other byte stays, twice is once, --remove gives back what was there', async () => {
    const before = crontab(['-l']);
    await using server = await createServer();
    // Where another user may read it.
    for (const part of ['bin', 'dist', 'nginx', 'systemd', 'package.json'])
      cpSync(inRepo(part), server.join('graceful', part), { recursive: true });
    symlinkSync(inRepo('node_modules'), server.join('graceful/node_modules'));
    server.write('nobody/graceful.config.yaml', 'command: node server.js\nname: shop\n');
    const dir = server.join('nobody');
    spawnSync('chown', ['-R', '65534:65534', dir]);
    const setup = (...args: readonly string[]) =>
      spawnSync(process.execPath, [server.join('graceful/bin/graceful.cjs'), 'setup', 'crontab', ...args], {
        ...NOBODY,
        cwd: dir,
        encoding: 'utf8',
        env: { PATH: process.env['PATH'], HOME: dir },
      });
    try {
      crontab(['-r']);
      for (const theirs of ['', '# mine\t\n\n  17 3 * * *  /usr/bin/true   \n\nMAILTO=""\n']) {
        if (theirs !== '') crontab(['-'], theirs);
        const written = setup('--write');
        assert.equal(written.status, 0, written.stderr);
        const once = crontab(['-l']).stdout;
        assert.ok(
          once.startsWith(`${theirs}# graceful: shop (${dir}/graceful.config.yaml) begin\n* * * * * PATH=`),
          once,
        );
        assert.match(setup('--write').stdout, /nothing to do/);
        assert.equal(crontab(['-l']).stdout, once);
        assert.equal(setup('--remove').status, 0);
        assert.equal(crontab(['-l']).stdout, theirs);
        assert.match(setup('--remove').stdout, /nothing to do/);
      }
    } finally {
      if (before.status === 0) crontab(['-'], before.stdout);
      else crontab(['-r']);
    }
  });

  it('is refused for a user whom the state dir does not belong to', async () => {
    await using server = await createServer();
    server.succeed('init', '--yes');
    spawnSync('chown', ['-R', '65534:65534', server.join('shop')]);
    const { status, stderr } = server.graceful('setup', 'crontab', '--write');
    assert.equal(status, 1);
    assert.match(stderr, /is nobody's[\s\S]*sudo -u nobody graceful setup crontab --write/);
  });

  it("the lines work as cron runs them: with cron's environment, they bring the app up", async () => {
    await using server = await createServer();
    server.succeed('init', '--yes');
    const lines = server
      .succeed('setup', 'crontab')
      .split('\n')
      .filter((line) => line.startsWith('*'));
    for (const line of lines) {
      const command = line.split(' ').slice(5).join(' ').replaceAll('\\%', '%');
      const ran = spawnSync('/bin/sh', ['-c', command], {
        cwd: server.join('home'),
        encoding: 'utf8',
        env: { HOME: server.join('home'), LOGNAME: 'root', SHELL: '/bin/sh', PATH: '/usr/bin:/bin' },
      });
      assert.equal(ran.status, 0, ran.stderr);
    }
    assert.equal(server.graceful('status').status, 0);
  });
});
