// `graceful init` and `graceful setup` as they are typed, without a terminal.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Workspace, workspace } from '../config/workspace.ts';
import { BIN, cleanEnvironment } from '../rig/test-app.ts';

const graceful = ({ dir }: Workspace, ...args: readonly string[]) =>
  spawnSync(process.execPath, [BIN, ...args], { cwd: dir, encoding: 'utf8', env: cleanEnvironment(), timeout: 20_000 });

const PACKAGE = { name: 'shop', scripts: { start: 'node server.js' } };

describe('graceful init', () => {
  it('writes, shows what it wrote, and leaves it alone the second time', () => {
    using place = workspace({ 'package.json': PACKAGE });
    const first = graceful(place, 'init', '--health-path', '/healthz', '--yes');
    assert.equal(first.status, 0, first.stderr);
    const text = readFileSync(join(place.dir, 'graceful.config.yaml'), 'utf8');
    assert.ok(first.stdout.includes(text.trimEnd()));
    assert.match(text, /^health: \{ type: http, path: \/healthz \}$/m);
    const second = graceful(place, 'init', '--command', 'other');
    assert.equal(second.status, 1);
    assert.match(second.stderr, /there is a configuration already[\s\S]*--force/);
    assert.equal(readFileSync(join(place.dir, 'graceful.config.yaml'), 'utf8'), text);
    assert.equal(graceful(place, 'init', '--command', 'other', '--force').status, 0);
    assert.equal(graceful(place, 'status').status, 3);
  });

  it('a reader that has gone away, as `| head` does, stops neither init nor setup', async () => {
    using place = workspace({ 'package.json': PACKAGE });
    for (const args of [
      ['init', '--yes'],
      ['setup', 'nginx'],
    ]) {
      const child = spawn(process.execPath, [BIN, ...args], { cwd: place.dir, env: cleanEnvironment() });
      child.stdout.destroy();
      let stderr = '';
      child.stderr.setEncoding('utf8').on('data', (text: string) => {
        stderr += text;
      });
      const [code] = await once(child, 'close');
      assert.deepEqual([code, stderr.includes('EPIPE')], [0, false], stderr);
    }
    assert.ok(existsSync(join(place.dir, 'graceful.config.yaml')));
  });

  it('ends though an ecosystem file leaves a timer open', () => {
    using place = workspace({
      'ecosystem.config.cjs': 'setInterval(() => {}, 1000); module.exports = { script: "server.js" };',
    });
    for (const [args, code] of [
      [['--print'], 0],
      [['--app', 'none'], 2],
      [['--yes'], 0],
    ] as const) {
      const { status, signal } = graceful(place, 'init', ...args);
      assert.deepEqual([status, signal], [code, null]);
    }
  });

  it('--print only prints, and what it prints is the file', () => {
    using place = workspace({ 'package.json': PACKAGE });
    const { status, stdout } = graceful(place, 'init', '--print');
    assert.equal(status, 0);
    assert.equal(existsSync(join(place.dir, 'graceful.config.yaml')), false);
    graceful(place, 'init');
    assert.equal(stdout, readFileSync(join(place.dir, 'graceful.config.yaml'), 'utf8'));
  });

  it('--json says on one line what was written and what was lost', () => {
    using place = workspace({ 'process.json': { apps: [{ name: 'api', script: 'api.js', instances: 2 }] } });
    const { stdout } = graceful(place, 'init', '--json');
    const { outcome } = JSON.parse(stdout);
    const path = join(place.dir, 'graceful.config.yaml');
    assert.deepEqual(
      [outcome.command, outcome.kind, outcome.written, outcome.lost[0].what],
      ['init', 'pm2', [path], 'instances: 2'],
    );
  });

  for (const [args, says] of [
    [['init'], /found nothing to start[\s\S]*--command/],
    [['init', '--from', 'two.json'], /there is no/],
    [['init', '--from', 'process.json'], /has 2 apps: api, web[\s\S]*--app api/],
    [['init', '--app', 'blog', '--from', 'process.json'], /no app blog[\s\S]*api, web/],
    [['init', '-c', 'x.json', '--command', 'x'], /ends in \.yaml/],
    [['init', '--command', 'x', '--name', '-no-'], /needs a value/],
    [['init', '--command', 'x', '--name', 'a b'], /name: found "a b"/],
  ] as const)
    it(`\`${args.join(' ')}\` is exit 2, and nothing is written`, () => {
      const apps = [
        { name: 'api', script: 'a.js' },
        { name: 'web', script: 'w.js' },
      ];
      using place = workspace(args.includes('process.json' as never) ? { 'process.json': { apps } } : {});
      const { status, stderr } = graceful(place, ...args);
      assert.equal(status, 2, stderr);
      assert.match(stderr, says);
      assert.equal(existsSync(join(place.dir, 'graceful.config.yaml')), false);
    });
});

describe('graceful setup', () => {
  for (const target of ['nginx', 'crontab', 'systemd', 'logrotate'])
    it(`${target} prints the text alone on stdout, with the path of the configuration in it`, () => {
      using place = workspace({ 'graceful.config.json': { command: 'x' } });
      const { status, stdout, stderr } = graceful(place, 'setup', target);
      assert.equal(status, 0, stderr);
      assert.match(stdout, new RegExp(`^# graceful: app \\(${place.dir}/graceful\\.config\\.json\\)`));
      assert.match(stderr, /--write puts/);
    });

  for (const [args, says] of [
    [['setup'], /needs to know what/],
    [['setup', 'apache'], /expected nginx or crontab/],
    [['setup', 'crontab', '--listen', '80'], /it is a flag of setup nginx/],
    [['setup', 'nginx', '--variant', 'fast'], /expected plain or keepalive or fastcgi/],
    [['setup', 'nginx', '--write', '--remove'], /contradict/],
    [['setup', 'nginx', 'crontab'], /takes one target/],
  ] as const)
    it(`\`${args.join(' ')}\` is exit 2`, () => {
      using place = workspace({ 'graceful.config.json': { command: 'x' } });
      const { status, stderr } = graceful(place, ...args);
      assert.equal(status, 2);
      assert.match(stderr, says);
    });
});
