// docs/ansible, run for real: three servers behind a balancer, one after the other, under load.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { startLoad } from '../rig/load.ts';
import { type LoadReport, NO_FAILURES } from '../rig/load-report.ts';
import { inRepo } from '../rig/paths.ts';
import { type Roll, roll, SHIPPED, sshTo } from './ansible.ts';
import type { Machine } from './machine.ts';
import { program, skipUnlessReady } from './programs.ts';
import { createRepository, type Repository } from './repository.ts';
import { PORT, type Servers, startServers } from './servers.ts';

it('the role is as ansible-lint would have it', { skip: skipUnlessReady() }, () => {
  const { status, stdout, stderr } = spawnSync(program('ansible-lint'), ['--offline', '--strict', '--nocolor', '-q'], {
    cwd: SHIPPED,
    encoding: 'utf8',
  });
  assert.equal(status, 0, stdout + stderr);
});

describe('many servers', { skip: skipUnlessReady() }, () => {
  let servers: Servers;
  let repository: Repository;
  let variables: Readonly<Record<string, unknown>>;

  before(async () => {
    servers = await startServers();
    repository = createRepository(join(servers.dir, 'shop.git'));
    variables = { graceful_repository: repository.path, graceful_directory: '/srv/shop' };
    repository.commit('1');
  });
  after(() => servers?.[Symbol.asyncDispose]());

  /** As HAProxy's page of statistics would show them. */
  const haproxyStates = (): Readonly<Record<string, string>> => {
    const [command = '', ...rest] = servers.control.inItsNetwork;
    const ask = `fetch('http://${servers.balancer.address}:8404/;csv').then(async (r) => console.log(await r.text()))`;
    const rows = execFileSync(command, [...rest, process.execPath, '-e', ask], { encoding: 'utf8' })
      .split('\n')
      .map((row) => row.split(','));
    const column = rows[0]?.indexOf('status') ?? -1;
    return Object.fromEntries(
      rows.filter(([, name]) => servers.apps.some((app) => app.name === name)).map((row) => [row[1], row[column]]),
    );
  };

  const throughHaproxy = { graceful_balancer: 'haproxy', graceful_haproxy_backend: 'shop' };
  const throughNginx = {
    graceful_balancer: 'nginx',
    graceful_nginx_file: '/srv/upstream.conf',
    graceful_nginx_command: [program('nginx'), '-p', '/run/nginx', '-c', '/srv/nginx.conf'],
  };

  /** Rolls while a load runs through a balancer. */
  const rollUnderLoad = async (
    balancer: keyof typeof PORT,
    more: Readonly<Record<string, unknown>>,
  ): Promise<{ readonly rolled: Roll; readonly load: LoadReport }> => {
    const load = startLoad({
      host: servers.balancer.address,
      port: PORT[balancer],
      connections: 8,
      wrapper: servers.control.inItsNetwork,
    });
    try {
      await load.flowing;
      const rolled = await roll(servers, { ...variables, ...more });
      return { rolled, load: await load.stop() };
    } finally {
      await load.stop();
    }
  };

  /** The version that answers at a machine, seen from the control machine. */
  const versionAt = ({ address }: Machine, port = 80): string => {
    const [command = '', ...rest] = servers.control.inItsNetwork;
    const ask = `fetch('http://${address}:${port}/').then(async (r) => console.log((await r.text()).trim()))`;
    return execFileSync(command, [...rest, process.execPath, '-e', ask], { encoding: 'utf8' }).trim();
  };
  const versions = (): readonly string[] => servers.apps.map((app) => versionAt(app));

  const none = { app1: 0, app2: 0, app3: 0 };
  const lostNothing = (load: LoadReport): void => {
    assert.deepEqual(load.failures, NO_FAILURES, load.examples.join('\n'));
    assert.ok(load.requests > 100, `only ${load.requests} requests`);
  };

  it('are set up by the playbook', async () => {
    const checked = await roll(servers, variables, '--check');
    assert.equal(checked.code, 0, checked.text);
    assert.equal(existsSync(join(servers.dir, 'app1/shop')), false);
    const rolled = await roll(servers, variables);
    assert.equal(rolled.code, 0, rolled.text);
    assert.deepEqual(versions(), ['version 1', 'version 1', 'version 1']);
  });

  it('a good version rolls over all of them, each out of HAProxy meanwhile, and no request is lost', async () => {
    repository.commit('2');
    const { rolled, load } = await rollUnderLoad('haproxy', throughHaproxy);
    assert.equal(rolled.code, 0, rolled.text);
    assert.equal(rolled.text.match(/Tell HAProxy/g)?.length, 6, rolled.text);
    lostNothing(load);
    assert.deepEqual(Object.keys(load.versions).sort(), ['1', '2']);
    assert.deepEqual(versions(), ['version 2', 'version 2', 'version 2']);
  });

  it('a second roll of the same version changes nothing, under load too', async () => {
    const { rolled, load } = await rollUnderLoad('haproxy', throughHaproxy);
    assert.equal(rolled.code, 0, rolled.text);
    assert.deepEqual(rolled.changed, none, rolled.text);
    lostNothing(load);
  });

  it('--check says on which servers there is something to do, and does nothing', async () => {
    repository.commit('3');
    const checked = await roll(servers, { ...variables, ...throughHaproxy }, '--check');
    assert.equal(checked.code, 0, checked.text);
    assert.deepEqual(checked.changed, { app1: 2, app2: 2, app3: 2 }, checked.text);
    assert.deepEqual(versions(), ['version 2', 'version 2', 'version 2']);
  });

  it('a broken version stops the roll at the first server: all serve the old one, no request is lost, and it says why', async () => {
    repository.commit('3', { broken: true });
    const { rolled, load } = await rollUnderLoad('haproxy', throughHaproxy);
    assert.equal(rolled.code, 2, rolled.text);
    assert.match(rolled.text, /app1 was not updated: slot \w: the backend exited with code 3 after/);
    assert.match(rolled.text, /^ +It serves what it served before\.$/m);
    assert.match(rolled.text, /^ +The roll stops here; not touched: app2, app3$/m);
    assert.match(rolled.text, /^ +Error: relation "orders" has no column "total"$/m);
    lostNothing(load);
    assert.deepEqual(Object.keys(load.versions), ['2']);
    assert.deepEqual(versions(), ['version 2', 'version 2', 'version 2']);
    assert.deepEqual(haproxyStates(), { app1: 'UP', app2: 'UP', app3: 'UP' });
    for (const name of ['app2', 'app3'])
      assert.equal(readFileSync(join(servers.dir, name, 'shop/version'), 'utf8'), '2\n', `${name} was touched`);
  });

  it('the mended version rolls over all of them, with none of them leaving the balancer, and no request is lost', async () => {
    repository.commit('4');
    const { rolled, load } = await rollUnderLoad('haproxy', {});
    assert.equal(rolled.code, 0, rolled.text);
    lostNothing(load);
    assert.deepEqual(versions(), ['version 4', 'version 4', 'version 4']);
  });

  it('the loop of docs/many-servers.md does the same without Ansible', async () => {
    const [, loop = ''] = /```sh\n([\s\S]*?)```/.exec(readFileSync(inRepo('docs/many-servers.md'), 'utf8')) ?? [];
    const run = (): string => {
      const [command = '', ...rest] = servers.control.inItsNetwork;
      const env = { ...process.env, PATH: `${sshTo(servers)}:${process.env['PATH']}` };
      return execFileSync(command, [...rest, 'sh', '-c', loop], { encoding: 'utf8', env });
    };
    repository.commit('5');
    assert.equal(run().match(/^\{"outcome":/gm)?.length, 3);
    assert.deepEqual(versions(), ['version 5', 'version 5', 'version 5']);
    repository.commit('6', { broken: true });
    assert.match(
      run(),
      /^\{"failure":\{"code":"backend-exited".*\napp1 was not updated; those after it were not touched\n$/,
    );
    assert.deepEqual(versions(), ['version 5', 'version 5', 'version 5']);
  });

  it('a good version rolls over all of them, each out of an nginx that keeps no connection, and no request is lost', async () => {
    repository.commit('7');
    const { rolled, load } = await rollUnderLoad('nginx', throughNginx);
    assert.equal(rolled.code, 0, rolled.text);
    lostNothing(load);
    assert.deepEqual(versions(), ['version 7', 'version 7', 'version 7']);
    assert.doesNotMatch(readFileSync(join(servers.dir, 'balancer1/upstream.conf'), 'utf8'), /down/);
  });
});
