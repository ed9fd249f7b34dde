import assert from 'node:assert/strict';
import { test } from 'node:test';
import { workspace } from './workspace.ts';

/** The lines of the message for this configuration, without the file's name. */
async function linesFor(content: object | string, name = 'graceful.config.json'): Promise<string[]> {
  using files = workspace({ [name]: content });
  const { message } = await files.failure();
  return message.split('\n').map((line) => {
    assert.ok(line.startsWith(`${files.dir}/${name}: `), line);
    return line.slice(`${files.dir}/${name}: `.length);
  });
}

const command = ['x'];

test('an unknown key is named together with the nearest valid one', async () => {
  const table: [object, string][] = [
    [{ comand: 1 }, 'comand: unknown key; did you mean "command"?'],
    [{ starttimeout: 1 }, 'starttimeout: unknown key; did you mean "startTimeout"?'],
    [{ state_dir: 1 }, 'state_dir: unknown key; did you mean "stateDir"?'],
    [{ drain: 1 }, 'drain: unknown key; did you mean "drainTimeout"?'],
    [{ health: { type: 'http', pth: '/' } }, 'health.pth: unknown key; did you mean "path"?'],
    [{ health: [{ type: 'http', pth: '/' }] }, 'health.0.pth: unknown key; did you mean "path"?'],
    [{ hooks: { afterSwich: ['x'] } }, 'hooks.afterSwich: unknown key; did you mean "afterSwitch"?'],
    [{ schedule: { keepAlive: null } }, 'schedule.keepAlive: unknown key; did you mean "keepalive"?'],
  ];
  for (const [content, line] of table) assert.deepEqual(await linesFor({ command, ...content }), [line]);
});

test('an object that cannot be made a string is refused like any other', async () => {
  const content = { command, stateDir: { toString: 1 }, name: { toString: 1 } };
  assert.deepEqual(await linesFor(content), [
    'name: found an object, expected letters, digits, dots, dashes and underscores, beginning with a letter or a digit',
    'stateDir: found an object, expected a path',
  ]);
});

test('an unknown key that resembles none gets the list of valid ones', async () => {
  assert.deepEqual(await linesFor({ command, hooks: { zzz: 1 } }), [
    'hooks.zzz: unknown key, expected one of beforeStart, afterSwitch, afterFailure, timeout',
  ]);
});

test('a type of health check allows only its own keys', async () => {
  assert.deepEqual(await linesFor({ command, health: { type: 'connect', path: '/' } }), [
    'health.path: unknown key, expected one of type, timeout, interval, successes, failures, warmup',
  ]);
  assert.deepEqual(await linesFor({ command, health: { type: 'exec' } }), [
    'health.command: missing, expected an array such as ["node", "server.js"], or one string',
  ]);
  assert.deepEqual(await linesFor({ command, health: { type: 'htpp' } }), [
    'health.type: found "htpp", expected connect, http, fastcgi, exec, notify or ipc; did you mean "http"?',
  ]);
  assert.deepEqual(await linesFor({ command, health: { path: '/' } }), [
    'health.type: missing, expected connect, http, fastcgi, exec, notify or ipc',
  ]);
});

test('all problems are reported at once, those of the schema and those beyond it', async () => {
  const lines = await linesFor({
    command: 'a && b',
    nmae: 'x',
    stateDir: 'd'.repeat(120),
    startTimeout: '60 sekunden',
    health: { type: 'http', pth: '/', timeuot: 1 },
    env: { A: [] },
  });
  assert.deepEqual(lines.map((line) => line.slice(0, line.indexOf(':'))).sort(), [
    'command',
    'env.A',
    'health.pth',
    'health.timeuot',
    'nmae',
    'startTimeout',
    'stateDir',
  ]);
});

test('a wrong value is shown with what was expected', async () => {
  const table: [object, string | RegExp][] = [
    [
      { startTimeout: '60 sekunden' },
      'startTimeout: found "60 sekunden", expected a duration such as 500ms, 30s, 5m or a number of milliseconds',
    ],
    [{ startTimeout: 0 }, 'startTimeout: found 0, expected more than 0'],
    [{ health: { type: 'connect', interval: '0s' } }, 'health.interval: found "0s", expected more than 0'],
    [{ drainTimeout: -1 }, /^drainTimeout: found -1, expected a duration/],
    [{ drainTimeout: '30d' }, 'drainTimeout: found "30d", expected at most 24d'],
    [{ name: '../x' }, /^name: found "\.\.\/x", expected letters, digits/],
    [{ name: '.hidden' }, /^name: found/],
    [{ name: '' }, /^name: found an empty string/],
    [{ cwd: '' }, 'cwd: found an empty string, expected a path'],
    [{ stopSignal: 'TERM' }, 'stopSignal: found "TERM", expected the name of a signal, such as SIGTERM'],
    [{ stopSignal: 'SIGNOPE' }, /^stopSignal: found "SIGNOPE"/],
    [{ envFile: [1] }, 'envFile.0: found 1, expected a path or an array of paths'],
    [{ health: 'http' }, 'health: found "http", expected an object such as { "type": "connect" }'],
    [{ health: [] }, 'health: found an empty array, expected at least one check'],
    [{ health: [{ type: 'http', path: 'x' }] }, /^health\.0\.path: found "x"/],
    [{ health: [{ type: 'connect' }, 'http'] }, /^health\.1: found "http", expected an object such as/],
    [{ health: [{ type: 'connect' }, { type: 'htpp' }] }, /^health\.1\.type: found "htpp".*did you mean "http"/],
    [{ health: [[{ type: 'connect' }]] }, /^health\.0: found an array, expected an object/],
    [{ health: { type: 'http', path: 'healthz' } }, /^health\.path: found "healthz"/],
    [{ health: { type: 'http', path: '/a b' } }, /^health\.path: found/],
    [{ health: { type: 'http', host: 'a\r\nb' } }, /^health\.host: found/],
    [{ workers: 2 }, /^workers: found 2 with listen: path, expected 1, or listen: inherit \(or redirect\)/],
    [
      { listen: 'inherit', workers: 2, health: [{ type: 'http' }, { type: 'ipc' }] },
      /^workers: found 2 with health: ipc, expected 1/,
    ],
    [{ workers: 0 }, 'workers: found 0, expected a whole number from 1 to 1000'],
    [{ listen: 'tcp' }, /^listen: found "tcp", expected "path", "inherit" or "redirect"/],
    [{ health: { type: 'fastcgi', script: '' } }, /^health\.script: found/],
    [{ health: { type: 'connect', warmup: -1 } }, 'health.warmup: found -1, expected a whole number, 0 for none'],
    [{ health: { type: 'http', warmupPath: ['/x', 'y'] } }, /^health\.warmupPath.*: found/],
    [{ health: { type: 'connect', failures: 0 } }, 'health.failures: found 0, expected a whole number, at least 1'],
    [{ schedule: { keepalive: 'hourly' } }, /^schedule\.keepalive: found "hourly", expected a cron expression/],
    [{ schedule: { keepalive: true } }, /^schedule\.keepalive: found true/],
    [
      { schedule: { timeZone: 'Mars/Base' } },
      'schedule.timeZone: found "Mars/Base", expected a time zone such as Europe/Berlin',
    ],
    [{ hooks: null }, 'hooks: found null, expected an object'],
    [{ env: { 'A=B': '1' } }, /^env\.A=B: .*expected the name of a variable/],
    // By the time it is read, JavaScript has made ...837500 of it.
    [{ env: { ID: Number('1128374650192837465') } }, /^env\.ID: .*expected a string, a number of at most 15 digits/],
  ];
  for (const [content, line] of table) {
    const lines = await linesFor({ command, ...content });
    assert.equal(lines.length, 1, lines.join('\n'));
    if (typeof line === 'string') assert.equal(lines[0], line);
    else assert.match(lines[0] ?? '', line);
  }
});

test('a command is an array of strings or one string, and is not empty', async () => {
  const table: [unknown, string | RegExp][] = [
    [undefined, 'command: missing, expected an array such as ["node", "server.js"], or one string'],
    [[], /^command: found an empty array/],
    ['', /^command: found an empty string/],
    [{}, /^command: found an object/],
    [['node', 80], 'command.1: found a number, expected a string'],
    [['a\0b'], /^command\.0: found a string/],
    ['  ', /^command: found no program/],
  ];
  for (const [wrong, line] of table) {
    const lines = await linesFor({ command: wrong });
    assert.equal(lines.length, 1, lines.join('\n'));
    if (typeof line === 'string') assert.equal(lines[0], line);
    else assert.match(lines[0] ?? '', line);
  }
});

test('an operator in a command string is refused with the way to run a shell', async () => {
  const lines = await linesFor({ command, hooks: { afterSwitch: 'a | b' } });
  assert.deepEqual(lines, [
    'hooks.afterSwitch: found the shell operator |, expected plain words, since no shell runs; write ["sh", "-c", "…"] for a shell',
  ]);
});

test('a file that holds no object is refused', async () => {
  for (const content of ['[]', '"x"', '1', 'true']) {
    const lines = await linesFor(content);
    assert.equal(lines.length, 1);
    assert.match(lines[0] ?? '', /^found .*, expected an object$/);
  }
});

test('no secret gets into a message', async () => {
  const secret = 'hunter2';
  const wrong: [string, object | string][] = [
    ['graceful.config.json', { command, env: { A: [secret], B: { secret } } }],
    ['graceful.config.json', { command, env: secret }],
    ['graceful.config.json', { command, health: [{ type: 'exec', command: `A=${secret} && b` }] }],
    ['graceful.config.json', { command, health: [{ type: 'exec', command: [secret, `${secret}\0`] }] }],
    ['graceful.config.json', { command, env: [`A=${secret}`] }],
    ['graceful.config.json', { command: `app --password=${secret} && b`, hooks: { afterSwitch: `A=${secret} x` } }],
    ['graceful.config.json', `{"env":{"PASSWORD":${secret}}}`],
    ['graceful.config.json', `{"env":{"PASSWORD":"${secret}}}`],
    ['graceful.config.yaml', `command: x\nenv:\n  PASSWORD: "${secret}\n`],
    ['graceful.config.yaml', `command: x\nenv:\n  PASSWORD: a: ${secret}\n`],
    ['graceful.config.ts', `export default { env: { A: "${secret}" "x" } }`],
  ];
  for (const [name, content] of wrong) {
    using files = workspace({ [name]: content });
    const { message, failure } = await files.failure();
    assert.doesNotMatch(message + JSON.stringify(failure), new RegExp(secret));
  }
});

test('the problems are in the failure as data too', async () => {
  using files = workspace({ 'graceful.config.json': { comand: [] } });
  const { failure } = await files.failure();
  assert.deepEqual(failure.details, {
    file: `${files.dir}/graceful.config.json`,
    problems: [
      { key: 'command', found: 'missing', expected: 'an array such as ["node", "server.js"], or one string' },
      {
        key: 'comand',
        found: 'unknown key',
        expected:
          'one of $schema, command, name, stateDir, cwd, env, envFile, listen, workers, socketMode, socketGroup, health, startTimeout, drainTimeout, stopSignal, stopTimeout, log, schedule, release, hooks',
        suggestion: 'command',
      },
    ],
  });
});

test('a release is git or an object of its keys', async () => {
  assert.deepEqual(await linesFor({ command, release: 'svn' }), [
    'release: found "svn", expected "git", or an object such as { "type": "git", "prepare": "npm ci" }',
  ]);
  assert.deepEqual(await linesFor({ command, release: { type: 'git', keep: 1 } }), [
    'release.keep: found 1, expected a whole number, at least 2',
  ]);
  assert.deepEqual(await linesFor({ command, release: { type: 'git', prepar: 'x' } }), [
    'release.prepar: unknown key; did you mean "prepare"?',
  ]);
});
