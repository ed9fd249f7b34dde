import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workspace } from './workspace.ts';

test('a command is all that a configuration needs', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['node', 'server.js'] } });
  assert.deepEqual(await files.load(), {
    file: `${files.dir}/graceful.config.json`,
    name: 'app',
    command: ['node', 'server.js'],
    stateDir: `${files.dir}/var/run`,
    cwd: files.dir,
    env: {},
    envFile: [],
    listen: 'path',
    workers: 1,
    socketMode: 0o660,
    socketGroup: null,
    health: {
      checks: [{ type: 'connect', timeoutMs: 5_000, warmup: 0 }],
      timeoutMs: 5_000,
      intervalMs: 100,
      successes: 1,
      failures: 3,
      warmup: 0,
    },
    startTimeoutMs: 60_000,
    drainTimeoutMs: 30_000,
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
    log: 'file',
    release: null,
    schedule: { keepalive: '* * * * *', stopInactive: '*/5 * * * *', stopInactiveOlderThanMs: 300_000, timeZone: null },
    hooks: { beforeStart: null, afterSwitch: null, afterFailure: null },
    hookTimeoutMs: 60_000,
  });
});

test('every key arrives as it was meant', async () => {
  using files = workspace({
    'etc/app.json': {
      $schema: '../node_modules/gracefuld/dist/graceful.schema.json',
      command: 'bin/serve --bind {socket}',
      name: 'fastcgi',
      stateDir: '../run',
      cwd: '../current',
      env: { PORT: 80, DEBUG: true, GONE: null, EMPTY: '' },
      envFile: ['.env', '/etc/app.env'],
      listen: 'inherit',
      workers: 4,
      socketMode: '0666',
      socketGroup: 'www-data',
      health: {
        type: 'exec',
        command: 'bin/check "{socket}"',
        timeout: '1s',
        interval: 50,
        successes: 2,
        failures: 1,
        warmup: 4,
      },
      startTimeout: '2m',
      drainTimeout: 0,
      stopSignal: 'SIGINT',
      stopTimeout: '0s',
      log: 'inherit',
      release: { type: 'git', dir: '../releases', keep: 2, prepare: 'npm ci', timeout: '1m' },
      schedule: { keepalive: null, stopInactive: false, stopInactiveOlderThan: '1h', timeZone: 'Europe/Berlin' },
      hooks: {
        beforeStart: ['bin/migrate'],
        afterSwitch: 'bin/purge --all',
        afterFailure: ['bin/page', 'me'],
        timeout: '5m',
      },
    },
  });
  assert.deepEqual(await files.load({ file: 'etc/app.json' }), {
    file: `${files.dir}/etc/app.json`,
    name: 'fastcgi',
    command: ['bin/serve', '--bind', '{socket}'],
    stateDir: `${files.dir}/run`,
    cwd: `${files.dir}/current`,
    env: { PORT: '80', DEBUG: 'true', GONE: null, EMPTY: '' },
    envFile: [`${files.dir}/etc/.env`, '/etc/app.env'],
    listen: 'inherit',
    workers: 4,
    socketMode: 0o666,
    socketGroup: 'www-data',
    health: {
      checks: [{ type: 'exec', command: ['bin/check', '{socket}'], timeoutMs: 1_000, warmup: 4 }],
      timeoutMs: 1_000,
      intervalMs: 50,
      successes: 2,
      failures: 1,
      warmup: 4,
    },
    startTimeoutMs: 120_000,
    drainTimeoutMs: 0,
    stopSignal: 'SIGINT',
    stopTimeoutMs: 0,
    log: 'inherit',
    release: { dir: `${files.dir}/releases`, keep: 2, prepare: ['npm', 'ci'], timeoutMs: 60_000 },
    schedule: { keepalive: null, stopInactive: null, stopInactiveOlderThanMs: 3_600_000, timeZone: 'Europe/Berlin' },
    hooks: { beforeStart: ['bin/migrate'], afterSwitch: ['bin/purge', '--all'], afterFailure: ['bin/page', 'me'] },
    hookTimeoutMs: 300_000,
  });
});

test('the paths of a warm-up can be one or several, and none means the path of the health check', async () => {
  for (const [warmupPath, paths] of [
    [undefined, []],
    ['/x?y=1', ['/x?y=1']],
    [
      ['/x', '/y'],
      ['/x', '/y'],
    ],
  ] as const) {
    using files = workspace({ 'graceful.config.json': { command: ['x'], health: { type: 'http', warmupPath } } });
    const [check] = (await files.load()).health.checks;
    assert.deepEqual(check?.type === 'http' && check.warmupPaths, paths);
  }
});

test('the statuses of a health check can be written in every sensible way', async () => {
  const table: [unknown, (readonly [number, number])[]][] = [
    [undefined, [[200, 399]]],
    [204, [[204, 204]]],
    ['200-299', [[200, 299]]],
    [
      '200,204, 300-399',
      [
        [200, 200],
        [204, 204],
        [300, 399],
      ],
    ],
    [
      [200, '301-302', '404,410'],
      [
        [200, 200],
        [301, 302],
        [404, 404],
        [410, 410],
      ],
    ],
  ];
  for (const [status, ranges] of table) {
    using files = workspace({ 'graceful.config.json': { command: ['x'], health: { type: 'http', status } } });
    const [check] = (await files.load()).health.checks;
    assert.deepEqual(check?.type === 'http' && [check.path, check.host, check.status], [
      '/healthz',
      'localhost',
      ranges,
    ]);
  }
  for (const status of ['399-200', 'ok', 99, 600, '200-', [], [[200]], '200;201']) {
    using files = workspace({ 'graceful.config.json': { command: ['x'], health: { type: 'http', status } } });
    assert.match((await files.failure()).message, /health\.status(\.0)?: found .*expected status codes such as/);
  }
});

test('a socket mode means the same in JSON, YAML and JavaScript', async () => {
  const table: Record<string, string> = {
    'graceful.config.json': '{"command":["x"],"socketMode":"0660"}',
    '.gracefulrc.json': '{"command":["x"],"socketMode":"660"}',
    'graceful.config.yaml': 'command: x\nsocketMode: 0660\n',
    'graceful.config.yml': 'command: x\nsocketMode: 0o660\n',
    '.gracefulrc': 'command: x\nsocketMode: "0660"\n',
    'graceful.config.cjs': 'module.exports = { command: "x", socketMode: 0o660 };',
  };
  for (const [name, content] of Object.entries(table)) {
    using files = workspace({ [name]: content });
    assert.equal((await files.load()).socketMode, 0o660, content);
  }
  for (const socketMode of ['0440', '0060', '1660', '0668', 'rw', '', 0, 512, 599, 668, 1660, 660.5, -660]) {
    using files = workspace({ 'graceful.config.json': { command: ['x'], socketMode } });
    assert.match((await files.failure()).message, /socketMode: found .*"0660"/, String(socketMode));
  }
});

test('release: git has defaults of its own', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], release: 'git' } });
  const whole = { dir: `${files.dir}/releases`, keep: 5, prepare: null, timeoutMs: 600_000 };
  assert.deepEqual((await files.load()).release, whole);
  using typed = workspace({ 'graceful.config.json': { command: ['x'], release: { type: 'git' } } });
  assert.deepEqual((await typed.load()).release, { ...whole, dir: `${typed.dir}/releases` });
});

test('of a list of checks the longest interval, the most successes and the fewest failures count, and all warm-ups', async () => {
  const health = [
    { type: 'http', path: '/ready', timeout: '1s', interval: '2s', successes: 2, failures: 5, warmup: 3 },
    { type: 'exec', command: 'bin/check {socket}', timeout: '3s', failures: 2, warmup: 1 },
  ];
  using files = workspace({ 'graceful.config.json': { command: ['x'], health } });
  const { checks, ...limits } = (await files.load()).health;
  assert.deepEqual(limits, { timeoutMs: 3_000, intervalMs: 2_000, successes: 2, failures: 2, warmup: 4 });
  assert.deepEqual(
    checks.map(({ type, timeoutMs, warmup }) => [type, timeoutMs, warmup]),
    [
      ['http', 1_000, 3],
      ['exec', 3_000, 1],
    ],
  );
  assert.deepEqual(checks[1]?.type === 'exec' && checks[1].command, ['bin/check', '{socket}']);
});

test('what a backend says of itself is not all that is checked: without another check, it has to accept connections', async () => {
  const table: [unknown, readonly string[]][] = [
    [{ type: 'notify' }, ['notify', 'connect']],
    [
      [{ type: 'ipc' }, { type: 'notify' }],
      ['ipc', 'notify', 'connect'],
    ],
    [
      [{ type: 'ipc' }, { type: 'http' }],
      ['ipc', 'http'],
    ],
  ];
  for (const [health, types] of table) {
    using files = workspace({ 'graceful.config.json': { command: ['x'], health } });
    const { checks } = (await files.load()).health;
    assert.deepEqual(
      checks.map(({ type }) => type),
      types,
    );
  }
});
