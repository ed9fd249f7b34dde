// What `graceful init` makes of a line that a shell ran: the words of the command, and where it listens.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Draft } from '../../src/setup/init/draft.ts';
import { draftOfCommand } from '../../src/setup/init/plan.ts';

const read = (line: string): Promise<Draft> => draftOfCommand(line, '/srv/shop');

const shell = (text: string): readonly string[] => ['sh', '-c', text];

type Rows = readonly (readonly [line: string, command: readonly string[]])[];

const GUNICORN = ['gunicorn', '--bind', 'unix:{socket}'];

describe('a server that is known listens by its own option, whatever the line said about a port', () => {
  const rows: Rows = [
    ['gunicorn app --bind 0.0.0.0:$PORT', [...GUNICORN, 'app']],
    [`gunicorn app -b:\${PORT:-8000} --bind=[::]:$PORT`, [...GUNICORN, 'app']],
    ['bash -c "gunicorn app -b :$PORT"', ['bash', '-c', 'gunicorn --bind unix:{socket} app']],
    ['/bin/sh -ec \'puma -p "$PORT"\'', ['/bin/sh', '-ec', 'puma -b unix://{socket}']],
    [
      `bundle exec puma -t 5:5 -p \${PORT:-3000} -e \${RACK_ENV:-development}`,
      shell(`bundle exec puma -b unix://{socket} -t 5:5 -e \${RACK_ENV:-development}`),
    ],
    [
      'python manage.py migrate && gunicorn app.wsgi --bind 0.0.0.0:$PORT',
      shell('python manage.py migrate && gunicorn --bind unix:{socket} app.wsgi'),
    ],
    ['gunicorn app --bind unix:$GRACEFUL_SOCKET', shell('gunicorn --bind unix:{socket} app')],
    [
      'pip install gunicorn; FLAGS=$X exec gunicorn -w $(( 2 * $(nproc) )) -b ":$PORT" app >log 2>&1 # -b x',
      shell(
        'pip install gunicorn; FLAGS=$X exec gunicorn --bind unix:{socket} -w $(( 2 * $(nproc) )) app >log 2>&1 # -b x',
      ),
    ],
    [
      'if true; then uvicorn app:app --host 0.0.0.0 --port $PORT; fi',
      shell('if true; then uvicorn --uds {socket} app:app; fi'),
    ],
    ['(cd web && puma -p $PORT --pidfile x.pid)', shell('(cd web && puma -b unix://{socket})')],
    ['gunicorn -b', GUNICORN],
  ];
  for (const [line, command] of rows)
    it(line, async () => {
      const { settings, listening } = await read(line);
      assert.deepEqual(settings.command, command);
      assert.match(listening, /^\w+ listens on the slot's socket by \S+ \S+\.$/);
    });
});

describe('where a port number stood for a program that is not known, it is said what has to be changed', () => {
  const rows: Rows = [
    ['bin/rails server -p $PORT', ['bin/rails', 'server', '-p', '{socket}']],
    ['next start -p $PORT', ['next', 'start', '-p', '{socket}']],
    ['waitress-serve --port=$PORT app:app', ['waitress-serve', '--port={socket}', 'app:app']],
    ['./migrate && ./serve --port $PORT', shell('./migrate && ./serve --port {socket}')],
    ['./serve --socket {socket} --port $PORT', ['./serve', '--socket', '{socket}', '--port', '{socket}']],
    [
      './proxy --to :$PORT & gunicorn app -b :$PORT',
      shell('./proxy --to :{socket} & gunicorn --bind unix:{socket} app'),
    ],
  ];
  for (const [line, command] of rows)
    it(line, async () => {
      const { settings, listening } = await read(line);
      assert.deepEqual(settings.command, command);
      assert.match(listening, /\$PORT was a port number here; \{socket\}.*listen: redirect\.$/);
    });
});

describe('a line that names the socket itself is left alone', () => {
  const rows: Rows = [
    ['./serve --socket {socket}', ['./serve', '--socket', '{socket}']],
    ['./serve --socket $GRACEFUL_SOCKET', shell('./serve --socket $GRACEFUL_SOCKET')],
  ];
  for (const [line, command] of rows)
    it(line, async () => {
      const { settings, listening } = await read(line);
      assert.deepEqual(settings.command, command);
      assert.equal(listening, 'The command names the socket of its slot.');
    });
});

describe('a line goes to a shell where one would do something to it, and only there', () => {
  const rows: Rows = [
    [
      '/usr/bin/gunicorn --forwarded-allow-ips="*" -b :8000 app:app',
      ['/usr/bin/gunicorn', '--bind', 'unix:{socket}', '--forwarded-allow-ips=*', 'app:app'],
    ],
    ['./serve --rule "it\'s *" --other \'"?"\'', ['./serve', '--rule', "it's *", '--other', '"?"']],
    ['./serve "a $B"', shell('./serve "a $B"')],
    ['./serve *.conf', shell('./serve *.conf')],
    ['gunicorn -w `nproc` -b :$PORT app', shell('gunicorn --bind unix:{socket} -w `nproc` app')],
    ['./serve "`hostname`"', shell('./serve "`hostname`"')],
    ["./serve '`hostname`'", ['./serve', '`hostname`']],
    ['env -u FOO node server.js', ['env', '-u', 'FOO', 'node', 'server.js']],
    ['env A=1 exec env node server.js', ['node', 'server.js']],
  ];
  for (const [line, command] of rows)
    it(line, async () => {
      assert.deepEqual((await read(line)).settings.command, command);
    });
});

it('a variable that was given $PORT is given the socket', async () => {
  const { settings } = await read(`HOST=0.0.0.0 NITRO_PORT=\${PORT:-80} ./serve`);
  assert.deepEqual(settings.command, ['./serve']);
  assert.deepEqual(settings.env, { HOST: '0.0.0.0', NITRO_PORT: '{socket}' });
});
