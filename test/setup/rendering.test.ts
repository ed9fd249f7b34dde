// What `graceful setup` fills in, and what it does to texts that belong to somebody else.
import assert from 'node:assert/strict';
import { chmodSync, chownSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Config } from '../../src/core/config.ts';
import { GracefulError } from '../../src/core/failure.ts';
import { type AppFacts, factsOf, notFound } from '../../src/setup/app-facts.ts';
import { crontabBlock } from '../../src/setup/crontab.ts';
import { install, stamped, uninstall } from '../../src/setup/files.ts';
import { postMergeBlock } from '../../src/setup/git-hook-text.ts';
import { logrotateText } from '../../src/setup/logrotate.ts';
import { blockOf, findBlock, markOf, replaceBlock } from '../../src/setup/mark.ts';
import { nginxText } from '../../src/setup/nginx-text.ts';
import { systemdUnits } from '../../src/setup/systemd-units.ts';
import { workspace } from '../config/workspace.ts';

const factsFor = async (content: object = {}, path = '/usr/bin:/bin'): Promise<AppFacts> => {
  using place = workspace({ 'app.json': { command: 'node x.js', name: 'shop', ...content } });
  const config: Config = { ...(await place.load({ file: 'app.json' })), stateDir: '/run/shop' };
  const origin = {
    node: '/opt/node/bin/node',
    script: '/opt/node/bin/graceful',
    env: { PATH: path },
    stateDirGiven: false,
  };
  return { ...factsOf(config, '/srv/my shop/graceful.config.yaml', origin), user: 'deploy', group: 'www-data' };
};

describe('a block in a text of somebody else', () => {
  const owner = { name: 'shop', configFile: '/srv/shop/(x)/graceful.config.yaml' };
  const block = blockOf(owner, ['one', 'two']);
  const insert = (text: string, what: string | null = block): string =>
    replaceBlock(findBlock(text, owner.configFile) ?? assert.fail('half a block'), what);

  for (const [title, text] of [
    ['empty', ''],
    ['with lines', '# a comment\n*/5 * * * * x\n'],
    ['with trailing blank lines, tabs and CRLF', 'a\t \r\n\n\n'],
    [
      'with the block of another app',
      blockOf({ name: 'shop', configFile: '/srv/blog/graceful.config.yaml' }, ['three']),
    ],
  ] as const)
    it(`goes in and out again, every other byte stays: ${title}`, () => {
      const once = insert(text);
      assert.equal(once, `${text}${block}`);
      assert.equal(insert(once), once);
      assert.equal(insert(once, null), text);
      assert.equal(insert(text, null), text);
    });

  it('stays where it is, whatever was added around it, also under a new name', () => {
    const renamed = blockOf({ ...owner, name: 'blog' }, ['new']);
    assert.equal(insert(`before\n${block}after`, renamed), `before\n${renamed}after`);
  });

  it('of which only half is left is not guessed at', () => {
    assert.equal(findBlock(block.split('\n').slice(0, 2).join('\n'), owner.configFile), null);
    assert.equal(findBlock(block.split('\n').slice(1).join('\n'), owner.configFile), null);
    assert.equal(findBlock(block + block, owner.configFile), null);
  });
});

describe('a file of ours', () => {
  const whose = { configFile: '/srv/shop/graceful.config.yaml', force: false };
  const mark = markOf({ name: 'shop', configFile: whose.configFile });
  const isRefused = (error: unknown) =>
    error instanceof GracefulError && error.failure.code === 'setup-failed' && error.exitCode === 1;
  const texts = ['listen 80;\n', 'listen 81;\n'].map((body) => stamped(mark, 'graceful setup nginx', body));
  const [first = '', second = ''] = texts;

  it('is written, is replaced by a newer one, and writing it twice is writing it once', () => {
    using place = workspace();
    const path = join(place.dir, 'etc/shop.conf');
    assert.notEqual(install({ path, text: first }, whose), null);
    assert.equal(install({ path, text: first }, whose), null);
    const undo = install({ path, text: second }, whose);
    assert.equal(readFileSync(path, 'utf8'), second);
    undo?.();
    assert.equal(readFileSync(path, 'utf8'), first);
    assert.notEqual(uninstall({ path, text: second }, whose), null);
    assert.equal(uninstall({ path, text: second }, whose), null);
  });

  for (const [title, content] of [
    ["somebody else's", 'listen 80;\n'],
    [
      'that of another app of the same name',
      stamped(markOf({ name: 'shop', configFile: '/srv/blog/x.yaml' }), 'graceful setup nginx', 'x\n'),
    ],
    ['one that was edited since', `${first}# managed by certbot\n`],
  ] as const)
    it(`is told from ${title}: that is neither overwritten nor removed without force`, () => {
      using place = workspace();
      const path = join(place.dir, 'shop.conf');
      writeFileSync(path, content);
      assert.throws(() => install({ path, text: second }, whose), isRefused);
      assert.throws(() => uninstall({ path, text: second }, whose), isRefused);
      assert.equal(readFileSync(path, 'utf8'), content);
      assert.notEqual(install({ path, text: second }, { ...whose, force: true }), null);
    });

  it('in a place where it cannot be: the failure names the file and the user', () => {
    using place = workspace({ occupied: 'a file' });
    chmodSync(join(place.dir, 'occupied'), 0o600);
    const path = join(place.dir, 'occupied/shop.conf');
    assert.throws(
      () => install({ path, text: first }, whose),
      (error: unknown) => isRefused(error) && String(error).includes(path),
    );
  });
});

describe('every path is filled in', () => {
  it('nginx: address, name, link, and a variable and an upstream of its own', async () => {
    const facts = await factsFor({ name: 'my-shop' });
    const address = { listen: '127.0.0.1:8080', serverName: 'shop.example.org' };
    for (const variant of ['plain', 'keepalive', 'fastcgi'] as const) {
      const text = nginxText(facts, variant, address);
      assert.match(text, /^ {4}listen 127\.0\.0\.1:8080;$/m);
      assert.match(text, /^ {4}server_name shop\.example\.org;$/m);
      assert.match(text, /unix:\/run\/shop\/my-shop\.socket/);
      assert.doesNotMatch(text, /Copy it|example\.org;.*example|\/run\/app|upstream app|\bapp\.socket/);
      if (variant !== 'fastcgi') assert.match(text, /^map \$http_upgrade \$graceful_my_shop_(?:kept_)?connection \{$/m);
    }
    assert.match(nginxText(facts, 'fastcgi', address), /fastcgi_param PATH_INFO {7}\$uri;/);
  });

  it('crontab: absolute paths, quoted for sh, % escaped for cron, a PATH for these lines only', async () => {
    const facts = await factsFor({
      schedule: { keepalive: '*/10 * * * * *', stopInactive: '0 4 * * *', stopInactiveOlderThan: '90s' },
    });
    assert.deepEqual(crontabBlock({ ...facts, path: '/a%b:/bin' }).split('\n'), [
      '# graceful: shop (/srv/my shop/graceful.config.yaml) begin',
      "* * * * * PATH=/a\\%b:/bin /opt/node/bin/node /opt/node/bin/graceful -c '/srv/my shop/graceful.config.yaml' keepalive",
      "0 4 * * * PATH=/a\\%b:/bin /opt/node/bin/node /opt/node/bin/graceful -c '/srv/my shop/graceful.config.yaml' -q stop --inactive --older-than 90s",
      '# graceful: shop (/srv/my shop/graceful.config.yaml) end',
      '',
    ]);
  });

  it('systemd: no instance name is left, and systemd waits longer than the app may take', async () => {
    const facts = await factsFor({ startTimeout: '3m', drainTimeout: '10m', socketGroup: 'www-data' });
    for (const options of [
      { mode: 'supervisor', user: false },
      { mode: 'timers', user: false },
      { mode: 'supervisor', user: true },
    ] as const)
      for (const { name, text } of systemdUnits(facts, options)) {
        assert.doesNotMatch(text, /%i|@shop|\/etc\/graceful|GRACEFUL_STATEDIR/, name);
        if (name.endsWith('.timer')) continue;
        assert.match(
          text,
          /^ExecStart=\/opt\/node\/bin\/node \/opt\/node\/bin\/graceful -c "\/srv\/my shop\/graceful\.config\.yaml" (?:run|keepalive|stop)/m,
        );
        assert.match(text, /^KillMode=process$/m);
        assert.match(text, /^TimeoutStartSec=880$/m);
        assert.equal(/^User=deploy$/m.test(text), !options.user);
        assert.equal(/^RuntimeDirectory=shop$/m.test(text), !options.user);
      }
    assert.match(systemdUnits(facts, { mode: 'supervisor', user: false })[0]?.text ?? '', /^TimeoutStopSec=640$/m);
  });

  it('systemd: a directory in /run is made for nginx to enter, by the group of the unit; elsewhere that group is one more', async () => {
    const inRun = await factsFor({ socketGroup: 'www-data' });
    const elsewhere = { ...inRun, config: { ...inRun.config, stateDir: '/srv/my shop/run' } };
    for (const mode of ['supervisor', 'timers'] as const)
      for (const [facts, line] of [
        [inRun, 'Group=www-data'],
        [elsewhere, 'SupplementaryGroups=www-data'],
      ] as const) {
        const [unit] = systemdUnits(facts, { mode, user: false });
        const lines = unit?.text.split('\n').filter((one) => /^(?:Supplementary)?Groups?=/.test(one));
        assert.deepEqual(lines, [line]);
      }
  });

  it('whatever the configuration runs is in PATH, release.prepare too; what is nowhere is said', async () => {
    using place = workspace({ 'bin/pnpm': '', 'bin/bundle': '' });
    const facts = await factsFor(
      {
        command: 'bundle exec puma',
        release: { type: 'git', prepare: 'pnpm install' },
        hooks: { beforeStart: 'migrate-the-shop --now' },
      },
      `${place.dir}/bin:/usr/bin:/bin`,
    );
    assert.equal(facts.path.split(':').includes(`${place.dir}/bin`), true);
    assert.deepEqual(
      notFound(facts).map((line) => line.split(' ')[0]),
      ['migrate-the-shop'],
    );
  });

  it('an app in /run runs as who became root by sudo, where nothing else says whose it is', {
    skip: process.geteuid?.() !== 0 && 'needs root',
  }, async () => {
    using place = workspace({ 'app.json': { command: 'node x.js' } });
    const config: Config = { ...(await place.load({ file: 'app.json' })), stateDir: '/run/graceful-is-not-there' };
    const origin = { node: '/usr/bin/node', script: '/usr/bin/graceful', stateDirGiven: false };
    const file = join(place.dir, 'app.json');
    const userOf = (env: NodeJS.ProcessEnv) => factsOf(config, file, { ...origin, env }).user;
    assert.equal(userOf({ SUDO_UID: '65534' }), 'nobody');
    assert.equal(userOf({}), 'root');
    chownSync(file, 65534, 65534);
    assert.equal(userOf({ SUDO_UID: '12345' }), 'nobody', 'the configuration is his');
  });

  it('logrotate: the two logs, and whose they are', async () => {
    assert.match(
      logrotateText(await factsFor()),
      /^"\/run\/shop\/shop-a\.log" "\/run\/shop\/shop-b\.log" \{\n {4}su deploy www-data$/m,
    );
  });

  it('git-hook: quoted for sh', async () => {
    const app = await factsFor();
    const block = postMergeBlock({ app, runsIn: "/srv/it's", workTree: "/srv/it's", isBare: false, branch: 'main' });
    assert.ok(block.includes(`= '/srv/it'\\''s' ]`) && block.includes("-c '/srv/my shop/graceful.config.yaml' update"));
  });
});
