// What `graceful init` makes of what it finds: each configuration is read back as every command reads it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it, test } from 'node:test';
import type { Config } from '../../src/core/config.ts';
import { GracefulError } from '../../src/core/failure.ts';
import { draftOfCommand, type InitPlan, planConfig, refuseToReplace, writePlan } from '../../src/setup/init/plan.ts';
import { findSources, sourcesIn } from '../../src/setup/init/sources.ts';
import { type Workspace, workspace } from '../config/workspace.ts';

const NOTHING = { command: null, name: null, healthPath: null, stateDir: null };

const planFor = async ({ dir }: Workspace, from?: string, app?: string): Promise<InitPlan> => {
  const place = { dir, env: { HOME: '/home/shop' }, isRoot: false };
  const found = from === undefined ? await findSources(place) : await sourcesIn(join(dir, from), place);
  const source = found.find((each) => app === undefined || each.app === app) ?? assert.fail('no source');
  const draft = (await source.draft()) ?? assert.fail('no draft');
  return planConfig(draft, NOTHING, dir, join(dir, 'graceful.config.yaml'));
};

interface Case {
  readonly title: string;
  readonly files: Readonly<Record<string, string | object>>;
  readonly from?: string;
  readonly app?: string;
  readonly command: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly config?: Partial<Config>;
  /** What is told not to have been carried over. */
  readonly lost?: readonly string[];
}

const SOCKET_AS_PORT = { PORT: '{socket}' };

const CASES: readonly Case[] = [
  {
    title: 'package.json: the start script itself, without npm in between, its assignments as env',
    files: {
      'package.json': {
        name: '@acme/shop',
        scripts: { start: 'NODE_ENV=production exec node server.js --trace "a b"', prestart: 'make' },
      },
    },
    command: ['node', 'server.js', '--trace', 'a b'],
    env: { NODE_ENV: 'production', ...SOCKET_AS_PORT },
    config: { name: 'shop' },
    lost: ['scripts.prestart'],
  },
  {
    title: 'package.json: a program of node_modules/.bin is called by its path',
    files: {
      'package.json': { name: 'shop', scripts: { start: 'fastify-cli start app.js' } },
      'node_modules/.bin/fastify-cli': '',
    },
    command: ['node_modules/.bin/fastify-cli', 'start', 'app.js'],
    env: SOCKET_AS_PORT,
  },
  {
    title: 'package.json: a start script that needs a shell is left to npm',
    files: { 'package.json': { name: 'shop', scripts: { start: 'npm run build && node server.js' } } },
    command: ['npm', 'start'],
    env: SOCKET_AS_PORT,
  },
  {
    title: 'package.json: without a start script, server.js as npm would',
    files: { 'package.json': { name: 'shop', main: 'lib.js' }, 'server.js': '', 'lib.js': '' },
    command: ['node', 'server.js'],
    env: SOCKET_AS_PORT,
  },
  {
    title: 'Procfile: the web line, $PORT becomes the socket, and the other processes are named',
    files: {
      Procfile:
        'release: ./migrate\nweb: LANG=C gunicorn shop.wsgi --workers 3 --bind 0.0.0.0:$PORT --daemon\nworker: celery\n',
    },
    command: ['gunicorn', '--bind', 'unix:{socket}', 'shop.wsgi', '--workers', '3'],
    env: { LANG: 'C' },
    lost: ['--daemon', 'release:', 'worker:'],
  },
  {
    title: 'Procfile: another variable needs a shell, and gets one',
    files: { Procfile: `web: ./serve --port \${PORT:-3000} --threads $THREADS\n` },
    command: ['sh', '-c', './serve --port {socket} --threads $THREADS'],
  },
  {
    title: 'Procfile: uvicorn is given --uds',
    files: { Procfile: 'web: uvicorn shop:app --host=0.0.0.0 --port $PORT --workers 2\n' },
    command: ['uvicorn', '--uds', '{socket}', 'shop:app', '--workers', '2'],
    lost: ['--host=0.0.0.0'],
  },
  {
    title: 'Procfile: puma behind bundler is given -b',
    files: { Procfile: 'web: bundle exec puma -p $PORT -e production\n' },
    command: ['bundle', 'exec', 'puma', '-b', 'unix://{socket}', '-e', 'production'],
  },
  {
    title: 'Django: gunicorn, that of the virtual environment',
    files: { 'manage.py': '', 'shop/wsgi.py': 'application = get_wsgi_application()\n', '.venv/bin/gunicorn': '' },
    command: ['.venv/bin/gunicorn', '--bind', 'unix:{socket}', 'shop.wsgi:application'],
  },
  {
    title: 'WSGI: the variable is found in wsgi.py',
    files: { 'wsgi.py': 'from shop import create_app\napp = create_app()\n' },
    command: ['gunicorn', '--bind', 'unix:{socket}', 'wsgi:app'],
  },
  {
    title: 'Rack: puma through bundler',
    files: { 'config.ru': 'run App', Gemfile: '' },
    command: ['bundle', 'exec', 'puma', '-b', 'unix://{socket}'],
  },
  {
    title: 'pm2: script, interpreter, arguments, environment and timeouts; the rest is told',
    files: {
      'ecosystem.config.cjs': `module.exports = { apps: [{ name: 'my shop', script: './server.js', args: '--flag "two words"', node_args: ['--max-old-space-size=200'],
        instances: 4, exec_mode: 'cluster', wait_ready: true, listen_timeout: 20000, kill_timeout: 3000, max_memory_restart: '200M', watch: false, autorestart: true,
        env: { PORT: 3000, DEBUG: true, NESTED: {} }, env_production: { NODE_ENV: 'production' }, env_staging: {} }], deploy: {} };`,
    },
    command: ['node', '--max-old-space-size=200', './server.js', '--flag', 'two words'],
    env: { DEBUG: 'true', NODE_ENV: 'production', ...SOCKET_AS_PORT },
    config: { name: 'my-shop', stopSignal: 'SIGINT', stopTimeoutMs: 3000, startTimeoutMs: 20_000 },
    lost: [
      'PORT=3000',
      'env.NESTED',
      'env_staging',
      'instances: 4',
      'exec_mode: cluster',
      'wait_ready: true',
      'max_memory_restart: 200M',
    ],
  },
  {
    title: 'pm2: one app of several, with a directory of its own; a short listen_timeout is no startTimeout',
    files: {
      'process.yaml':
        'apps:\n  - name: web\n    script: app.py\n    cwd: web\n    listen_timeout: 3000\n  - name: api\n    script: gunicorn\n    args: api:app -b 127.0.0.1:8000\n    interpreter: none\n',
    },
    app: 'web',
    command: ['python3', 'app.py'],
    config: { name: 'web', startTimeoutMs: 60_000 },
    lost: ['listen_timeout: 3000'],
  },
  {
    title: 'pm2: interpreter none is the program itself',
    files: {
      'process.json': {
        apps: [{ name: 'api', script: 'gunicorn', args: 'api:app -b 127.0.0.1:8000', interpreter: 'none' }],
      },
    },
    command: ['gunicorn', '--bind', 'unix:{socket}', 'api:app'],
    lost: ['-b 127.0.0.1:8000'],
  },
  {
    title: 'pm2: args are words, whatever a command line would make of them',
    files: {
      'process.json': {
        apps: [{ script: 'bundle', args: `exec puma A=1 *.example.org "two words" a;b # $HOME`, interpreter: 'none' }],
      },
    },
    command: [
      ...['bundle', 'exec', 'puma', '-b', 'unix://{socket}'],
      ...['A=1', '*.example.org', 'two words', 'a;b', '#', '$HOME'],
    ],
  },
  {
    title: 'pm2: so are node_args, and an assignment that args begin with',
    files: { 'process.json': { apps: [{ script: 'a.js', args: 'FOO=1 x', node_args: '--title=* --no-warnings' }] } },
    command: ['node', '--title=*', '--no-warnings', 'a.js', 'FOO=1', 'x'],
    env: SOCKET_AS_PORT,
  },
  {
    title: 'pm2: TypeScript is run by bun',
    files: { 'process.json': { apps: [{ name: 'a', script: './server.ts' }] } },
    command: ['bun', './server.ts'],
  },
  {
    title: 'pm2: TypeScript is run by the interpreter that is named',
    files: { 'process.json': { apps: [{ name: 'a', script: './server.tsx', interpreter: 'tsx' }] } },
    command: ['tsx', './server.tsx'],
    env: SOCKET_AS_PORT,
  },
  {
    title: 'pm2: a directory is run by node',
    files: { 'process.json': { apps: [{ script: 'web' }] }, 'web/index.js': '' },
    command: ['node', 'web'],
    env: SOCKET_AS_PORT,
  },
  {
    title: 'pm2: an ES module, and a script that is a command line',
    files: { 'ecosystem.config.mjs': 'export default [{ script: "npm run serve" }];' },
    command: ['npm', 'run', 'serve'],
    env: SOCKET_AS_PORT,
  },
  {
    title: 'supervisord: command, directory, environment, signal and patience; the rest is told',
    files: {
      'supervisord.conf': `[supervisord]
nodaemon=true
[program:shop] ; the shop
command=%(here)s/bin/serve --home %(ENV_HOME)s --name %(program_name)s
    --rate 100%%
directory=/srv/shop
environment=LANG="C.UTF-8",MOTTO='a, b',KEY=v ; as it is
stopsignal=QUIT
stopwaitsecs=25
user=shop
numprocs=1
autostart=true
stdout_logfile=/var/log/shop.log
`,
    },
    command: ['<dir>/bin/serve', '--home', '/home/shop', '--name', 'shop', '--rate', '100%'],
    env: { LANG: 'C.UTF-8', MOTTO: 'a, b', KEY: 'v' },
    config: { name: 'shop', cwd: '/srv/shop', stopSignal: 'SIGQUIT', stopTimeoutMs: 25_000 },
    lost: ['user=shop', 'stdout_logfile=/var/log/shop.log'],
  },
  {
    title: 'supervisord: no shell runs the command, so what one would take apart stays words',
    files: {
      'supervisord.conf': `[program:shop]
command=./serve --home $HOME *.conf a;b "c d" 'e "f"' "g\\"h\\i" j\\ k A=1 \`date\` || exit
`,
    },
    command: [
      ...['./serve', '--home', '$HOME', '*.conf', 'a;b', 'c d', 'e "f"', 'g"h\\i', 'j k'],
      ...['A=1', '`date`', '||', 'exit'],
    ],
  },
  {
    title: 'supervisord: a shell that the command names is given the server with its socket; env is env',
    files: {
      'supervisord.conf':
        '[program:shop]\ncommand=/usr/bin/env A=1 B="x y" bash -c "exec gunicorn --forwarded-allow-ips=\'*\' -b :8000 app"\n',
    },
    command: ['bash', '-c', "exec gunicorn --bind unix:{socket} --forwarded-allow-ips='*' app"],
    env: { A: '1', B: 'x y' },
    lost: ['-b :8000'],
  },
  {
    title: 'supervisord: comments, indentation and sections are those of its parser',
    files: {
      'supervisord.conf': `; the shop
[program:shop]
command=./serve a;b#c "d
  # "x
  e"    # and its comment
directory=/srv/web  # where it lives
environment=
    A="1",   ; the first
    # B="2",
  ; C="3",

    PATTERN="\\d+",TITLE="it's",
    USER=shop # cut
[group:all]
  [program:shop]
  Stdout_Logfile : /var/log/shop.log
  stopwaitsecs = 25
`,
    },
    command: ['./serve', 'a;b#c', 'd\ne'],
    env: { A: '1', PATTERN: '\\d+', TITLE: "it's", USER: 'shop' },
    config: { cwd: '/srv/web', stopTimeoutMs: 25_000 },
    lost: ['stdout_logfile=/var/log/shop.log'],
  },
  {
    title: "supervisord: [supervisord]'s environment is that of every program, whose own is stronger and can name it",
    files: {
      'supervisord.conf': `[program:shop]
command=./serve %(ENV_TIER)s %(ENV_OWN)s
directory=/srv/%(ENV_OWN)s
environment=LANG="C",OWN="%(ENV_TIER)s/%(ENV_HOME)s"
[supervisord]
environment=TIER="live",LANG="de",HOME="%(ENV_HOME)s/all"
`,
    },
    command: ['./serve', 'live', 'live//home/shop/all'],
    env: { TIER: 'live', LANG: 'C', HOME: '/home/shop/all', OWN: 'live//home/shop/all' },
    config: { cwd: '/srv/live/home/shop/all' },
  },
  {
    title: 'supervisord: numbers are written with the width that they are given',
    files: {
      'supervisord.conf': `[program:shop]
command=./serve --id 80%(process_num)02d --of %(numprocs)d '%(numprocs)-3s' '%(numprocs)3d'
numprocs=4
numprocs_start=1
`,
    },
    command: ['./serve', '--id', '8001', '--of', '4', '4  ', '  4'],
    lost: ['numprocs=4', 'numprocs_start=1'],
  },
  {
    title: 'supervisord: one program of a file elsewhere; an expansion that is not set is told',
    files: { 'conf.d/both.conf': '[program:a]\ncommand=a\n[program:b]\ncommand=node b.js %(ENV_UNSET)s\n' },
    from: 'conf.d/both.conf',
    app: 'b',
    command: ['node', 'b.js'],
    env: SOCKET_AS_PORT,
    lost: ['command: %(ENV_UNSET)s'],
  },
];

describe('init writes a configuration that loads', () => {
  for (const { title, files, from, app, command, env = {}, config = {}, lost = [] } of CASES)
    it(title, async () => {
      using place = workspace(files);
      const plan = await planFor(place, from, app);
      writePlan(plan);
      const loaded = await place.load();
      assert.deepEqual(loaded, plan.config);
      assert.deepEqual(
        loaded.command,
        command.map((word) => word.replace('<dir>', place.dir)),
      );
      assert.deepEqual(loaded.env, env);
      assert.deepEqual({ ...loaded, ...config }, loaded);
      assert.deepEqual(
        plan.draft.lost.map(({ what }) => what),
        lost,
      );
      for (const { why } of plan.draft.lost) assert.ok(why.length > 5);
      assert.notEqual(plan.draft.listening, '');
    });

  it('PHP: php-fpm with a file of its own beside it, which is never overwritten', async () => {
    using place = workspace({ artisan: '', 'public/index.php': '' });
    const plan = await planFor(place);
    assert.deepEqual(
      writePlan(plan).map((path) => path.slice(place.dir.length + 1)),
      ['php-fpm.graceful.conf', 'graceful.config.yaml'],
    );
    assert.match(plan.config.command[0] ?? '', /php-fpm/);
    assert.deepEqual(plan.config.command.slice(1), ['-F', '-y', 'php-fpm.graceful.conf']);
    assert.match(readFileSync(join(place.dir, 'php-fpm.graceful.conf'), 'utf8'), /listen = \$\{GRACEFUL_SOCKET\}/);
    const [check] = plan.config.health.checks;
    assert.equal(check?.type === 'fastcgi' && check.path, '/ping');
    assert.deepEqual(writePlan(plan).length, 1);
  });

  it('a typed command, whatever it has in it, comes back to the letter', async () => {
    using place = workspace();
    for (const command of [
      './serve',
      './serve \'it\'\'s\' "a \\"b\\"" # no comment',
      'no',
      './serve é\u2028 {"a":1}',
      'a && b',
    ]) {
      const draft = await draftOfCommand(command, place.dir);
      const plan = await planConfig(draft, NOTHING, place.dir, join(place.dir, 'graceful.config.yaml'));
      assert.deepEqual([...plan.config.command], draft.settings.command);
    }
  });

  it('answers are stronger than what was found, and go in under their keys', async () => {
    using place = workspace({ 'package.json': { scripts: { start: 'node a.js' } } });
    const place_ = { dir: place.dir, env: {}, isRoot: false };
    const draft = (await (await findSources(place_))[0]?.draft()) ?? assert.fail();
    const answers = { command: 'node b.js', name: 'blog', healthPath: '/up?full=1', stateDir: 'run' };
    const { config } = await planConfig(draft, answers, place.dir, join(place.dir, 'graceful.config.yaml'));
    assert.deepEqual(
      [config.command, config.name, config.stateDir],
      [['node', 'b.js'], 'blog', join(place.dir, 'run')],
    );
    const [check] = config.health.checks;
    assert.equal(check?.type === 'http' && check.path, '/up?full=1');
  });

  it('a configuration that lies elsewhere names the directory of the app', async () => {
    using place = workspace({ 'app/package.json': { scripts: { start: 'node a.js' } } });
    const dir = join(place.dir, 'app');
    const draft = (await (await findSources({ dir, env: {}, isRoot: false }))[0]?.draft()) ?? assert.fail();
    const { config } = await planConfig(draft, NOTHING, dir, join(place.dir, 'etc/app.yaml'));
    assert.deepEqual([config.cwd, config.stateDir], [dir, join(dir, 'var/run')]);
  });
});

test('of several sources a process manager comes first, then the Procfile', async () => {
  using place = workspace({
    'package.json': { scripts: { start: 'node a.js' } },
    Procfile: 'web: node b.js\n',
    'ecosystem.config.cjs': 'module.exports = { script: "c.js" };',
  });
  const found = await findSources({ dir: place.dir, env: {}, isRoot: false });
  assert.deepEqual(
    found.map(({ kind }) => kind),
    ['pm2', 'procfile', 'node'],
  );
});

test('a program that has not the name of a configuration of pm2 is an app, and is not run', async () => {
  for (const name of ['process', 'ecosystem', 'pm2'])
    for (const ending of ['js', 'cjs', 'mjs']) {
      using place = workspace({ [`${name}.${ending}`]: 'throw new Error("run");' });
      const from = { dir: place.dir, env: {}, isRoot: false };
      assert.deepEqual(await findSources(from), []);
      await assert.rejects(sourcesIn(join(place.dir, `${name}.${ending}`), from), /found nothing to start/);
    }
  for (const name of [
    'ecosystem.config.js',
    'pm2.config.cjs',
    'ecosystem.config.mjs',
    'process.json',
    'ecosystem.yml',
  ]) {
    using place = workspace({ [name]: 'a: [' });
    await assert.rejects(findSources({ dir: place.dir, env: {}, isRoot: false }), { name: 'GracefulError' }, name);
  }
});

test('a configuration that is there is not overwritten without force, and never shadowed', async () => {
  using place = workspace({ 'graceful.config.yaml': 'command: x\n' });
  const path = join(place.dir, 'graceful.config.yaml');
  const isRefused = (error: unknown) => error instanceof GracefulError && error.failure.code === 'setup-failed';
  await assert.rejects(refuseToReplace(path, false), isRefused);
  await refuseToReplace(path, true);
  place.write('graceful.config.json', { command: 'y' });
  await assert.rejects(refuseToReplace(path, true), isRefused);
});

test('a file with nothing to start in it is a mistake of the command line', async () => {
  using place = workspace({ 'other.conf': '[group:x]\n', 'notes.txt': '' });
  const from = { dir: place.dir, env: {}, isRoot: false };
  for (const name of ['other.conf', 'notes.txt', 'absent.conf'])
    await assert.rejects(
      sourcesIn(join(place.dir, name), from),
      (error) => error instanceof GracefulError && error.exitCode === 2,
    );
});

describe('a source that is broken is told by its name, as a mistake of the one who called', () => {
  const rows: readonly (readonly [title: string, file: string, content: string | object, says: RegExp])[] = [
    [
      'a program that throws',
      'ecosystem.config.cjs',
      'x;',
      /found an error at line 1: ReferenceError: x is not defined/,
    ],
    ['a program that is none', 'ecosystem.config.cjs', 'module.exports = {', /found .*SyntaxError/],
    ['a module that is missing', 'ecosystem.config.cjs', 'require("nope-xyz")', /Cannot find module 'nope-xyz'/],
    ['JSON for pm2', 'ecosystem.json', '{\n  "apps": [}', /found invalid JSON at line 2, column 12, expected JSON/],
    ['YAML for pm2', 'process.yml', 'apps: [', /found invalid YAML at line \d/],
    ['a package.json', 'package.json', '{', /found invalid JSON at line 1/],
    ['a package.json that is null', 'package.json', 'null', /found null, expected an object$/],
    ['a package.json that is a list', 'package.json', [], /found an array, expected an object$/],
    ['a directory', 'sub.conf/x', '', /^--from: found a directory, <file>, expected a file$/],
  ];
  for (const [title, path, content, says] of rows)
    it(title, async () => {
      using place = workspace({ [path]: content });
      const from = { dir: place.dir, env: {}, isRoot: false };
      const file = join(place.dir, path.split('/')[0] ?? '');
      const read = async () => Promise.all((await sourcesIn(file, from)).map((source) => source.draft()));
      await assert.rejects(read(), (error) => {
        assert.ok(error instanceof GracefulError && error.exitCode === 2, String(error));
        assert.ok(error.message.includes(file), error.message);
        assert.match(error.message.replace(file, '<file>'), says);
        return true;
      });
    });
});

test('a directory that has the name of a source is passed by', async () => {
  using place = workspace({ 'Procfile/x': '', 'package.json/x': '', 'ecosystem.json/x': '' });
  assert.deepEqual(await findSources({ dir: place.dir, env: {}, isRoot: false }), []);
});

test('the file can be read by the user that the app will run as, whatever the umask', async () => {
  using place = workspace({ 'package.json': { scripts: { start: 'node a.js' } } });
  const before = process.umask(0o077);
  try {
    writePlan(await planFor(place));
  } finally {
    process.umask(before);
  }
  const path = join(place.dir, 'graceful.config.yaml');
  assert.ok(existsSync(path));
  assert.equal(statSync(path).mode & 0o777, 0o644);
});
