// The numbers that Prometheus gets.
import assert from 'node:assert/strict';
import { mkdirSync, rmdirSync, rmSync } from 'node:fs';
import { describe, it } from 'node:test';
import { createTestApp } from '../rig/test-app.ts';
import { ask, NO_SCHEDULE, supervise, type TestSupervisor } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';
import { openWebSocket } from '../rig/web-socket.ts';

type Sample = (series: string, labels?: Readonly<Record<string, string>>) => number | undefined;

/** Prometheus' text format, by its own rules: https://prometheus.io/docs/instrumenting/exposition_formats/ */
function parse(text: string): Sample {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [, name, labels = '', value] = /^([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)$/i.exec(line) ?? assert.fail(line);
    samples.set(`${name} ${labels.split(',').sort().join(',')}`, Number(value));
  }
  return (series, labels = {}) =>
    samples.get(
      `${series} ${Object.entries(labels)
        .map(([name, value]) => `${name}="${value}"`)
        .sort()
        .join(',')}`,
    );
}

const urlOf = (supervisor: TestSupervisor): Promise<string> =>
  until('it says where', () => /"metrics":"([^"]+)"/.exec(supervisor.stdout())?.[1]);

const SERIES: Readonly<Record<string, string>> = {
  graceful_backend_deaths_total: 'counter',
  graceful_backend_starts_total: 'counter',
  graceful_switches_total: 'counter',
  graceful_operations_total: 'counter',
  graceful_connections_cut_total: 'counter',
  graceful_operation_duration_seconds: 'histogram',
  graceful_drain_duration_seconds: 'histogram',
  graceful_slot_state: 'gauge',
  graceful_slot_active: 'gauge',
  graceful_slot_connections: 'gauge',
  graceful_slot_resident_memory_bytes: 'gauge',
  graceful_slot_cpu_seconds: 'gauge',
};

describe('the metrics', { concurrency: 3 }, () => {
  it('have every series that is promised, with its type and a word of help', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
    await using _supervisor = await supervise(app);
    const { status, headers, body } = await ask(app, 'GET', '/metrics');
    assert.equal(status, 200);
    assert.match(String(headers['content-type']), /^text\/plain; version=0\.0\.4/);
    const types = Object.fromEntries(
      [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => [name, type]),
    );
    assert.deepEqual(types, SERIES);
    for (const name of Object.keys(SERIES)) assert.match(body, new RegExp(`^# HELP ${name} \\S`, 'm'));
  });

  it('tell of an update, of one that fails, of a death, and of what is connected now', async () => {
    const app = 'app';
    await using tested = await createTestApp({ config: { schedule: NO_SCHEDULE } });
    await using _supervisor = await supervise(tested);
    const look = async () => parse((await ask(tested, 'GET', '/metrics')).body);
    const before = await look();
    assert.equal(before('graceful_backend_starts_total', { app, slot: 'a' }), 1);
    assert.equal(before('graceful_slot_state', { app, slot: 'b', state: 'stopped' }), 1);
    assert.equal(before('graceful_operations_total', { app, operation: 'update', result: 'completed' }), undefined);

    await tested.succeed('update');
    await tested.succeed('update');
    const client = await openWebSocket({ socketPath: tested.link });
    const after = await look();
    client.close();
    assert.equal(after('graceful_operations_total', { app, operation: 'update', result: 'completed' }), 2);
    assert.equal(after('graceful_operation_duration_seconds_count', { app, operation: 'update' }), 2);
    assert.ok((after('graceful_operation_duration_seconds_sum', { app, operation: 'update' }) ?? 0) > 0.1);
    assert.equal(after('graceful_drain_duration_seconds_count', { app, slot: 'a' }), 1);
    assert.equal(after('graceful_switches_total', { app, to: 'a' }), 2);
    assert.equal(after('graceful_switches_total', { app, to: 'b' }), 1);
    assert.equal(after('graceful_slot_active', { app, slot: 'a' }), 1);
    assert.equal(after('graceful_slot_active', { app, slot: 'b' }), 0);
    assert.equal(after('graceful_slot_state', { app, slot: 'b', state: 'ready' }), 1);
    assert.equal(after('graceful_slot_connections', { app, slot: 'a', kind: 'accepted' }), 1);
    assert.ok((after('graceful_slot_resident_memory_bytes', { app, slot: 'a' }) ?? 0) > 10_000_000);
    assert.ok((after('graceful_slot_cpu_seconds', { app, slot: 'a' }) ?? 0) > 0.01);

    tested.deploy('2', { APP_BROKEN: 'exits' });
    await tested.graceful('update');
    tested.deploy('3', { APP_BROKEN: '' });
    process.kill(tested.pid('a') ?? assert.fail(), 'SIGKILL');
    await until('the death is counted, and repaired', async () => {
      const now = await look();
      return (
        now('graceful_backend_deaths_total', { app, reason: 'SIGKILL' }) === 1 &&
        now('graceful_slot_state', { app, slot: tested.active() ?? '', state: 'ready' }) === 1
      );
    });
    const end = await look();
    assert.equal(end('graceful_operations_total', { app, operation: 'update', result: 'backend-exited' }), 1);
  });

  it('tell of all apps at --metrics-listen, and of nothing else there', async () => {
    await using one = await createTestApp({ name: 'one', config: { schedule: NO_SCHEDULE } });
    await using two = await createTestApp({ name: 'two', config: { schedule: NO_SCHEDULE } });
    await using supervisor = await supervise([one, two], { args: ['--metrics-listen', '127.0.0.1:0'] });
    const url = await urlOf(supervisor);
    const metrics = parse(await (await fetch(url)).text());
    for (const { name: app } of [one, two]) assert.equal(metrics('graceful_slot_active', { app, slot: 'a' }), 1);
    for (const path of ['/', '/status', '/operations/update', '/handover'])
      assert.equal((await fetch(new URL(path, url), { method: 'POST' })).status, 404, path);
    process.kill(one.pid('a') ?? assert.fail(), 'SIGKILL');
    await supervisor.event('backend-died', ({ app }) => app === 'one');
    const after = parse(await (await fetch(url)).text());
    assert.equal(after('graceful_backend_deaths_total', { app: 'one', reason: 'SIGKILL' }), 1);
    assert.equal(after('graceful_backend_deaths_total', { app: 'two', reason: 'SIGKILL' }), undefined);
    assert.equal((await supervisor.kill('SIGTERM')).code, 0);
    await assert.rejects(fetch(url));
  });

  it('tell of the others while one cannot be measured', async () => {
    await using one = await createTestApp({ name: 'one', config: { schedule: NO_SCHEDULE } });
    await using two = await createTestApp({ name: 'two', config: { schedule: NO_SCHEDULE } });
    await using _supervisor = await supervise([one, two]);
    rmSync(one.link);
    mkdirSync(one.link);
    const metrics = parse((await ask(two, 'GET', '/metrics')).body);
    assert.equal(metrics('graceful_slot_active', { app: 'two', slot: 'a' }), 1);
    assert.equal(metrics('graceful_slot_active', { app: 'one', slot: 'a' }), undefined);
    rmdirSync(one.link);
  });

  it('are given while a backend hangs, within its health timeout', async () => {
    await using app = await createTestApp({
      config: {
        schedule: NO_SCHEDULE,
        stopTimeout: '100ms',
        health: { type: 'http', path: '/healthz', timeout: '1s' },
      },
    });
    await using _supervisor = await supervise(app);
    await app.post('/hang');
    const metrics = parse((await ask(app, 'GET', '/metrics')).body);
    assert.equal(metrics('graceful_slot_state', { app: 'app', slot: 'a', state: 'unready' }), 1);
  });
});
