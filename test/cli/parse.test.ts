import assert from 'node:assert/strict';
import { test } from 'node:test';
import { guessGlobals, parseCommandLine } from '../../src/cli/parse.ts';
import { GracefulError } from '../../src/core/failure.ts';

const argvOf = (line: string): readonly string[] => (line === '' ? [] : line.split(' '));

const NO_GLOBALS = { config: null, stateDir: null, json: false, quiet: false, noColor: false };

const operation = (name: string, input: object, waitMs: number) => ({
  kind: 'operation',
  operation: name,
  input,
  waitMs,
  globals: NO_GLOBALS,
});

const STOP = { slots: [], all: false, inactive: false, olderThanMs: null, force: false };

const ACCEPTED: readonly (readonly [line: string, invocation: object])[] = [
  ['', { kind: 'none', globals: NO_GLOBALS }],
  ['start', operation('start', { slots: [], all: false }, 60_000)],
  ['start b a', operation('start', { slots: ['b', 'a'], all: false }, 60_000)],
  ['start --all --wait 5m', operation('start', { slots: [], all: true }, 300_000)],
  ['stop a --force', operation('stop', { ...STOP, slots: ['a'], force: true }, 60_000)],
  ['stop --all', operation('stop', { ...STOP, all: true }, 60_000)],
  ['stop --inactive --older-than 5m', operation('stop', { ...STOP, inactive: true, olderThanMs: 300_000 }, 0)],
  ['stop --inactive --wait=10s', operation('stop', { ...STOP, inactive: true }, 10_000)],
  ['restart --inactive', operation('restart', { slots: [], all: false, inactive: true }, 60_000)],
  ['restart a b', operation('restart', { slots: ['a', 'b'], all: false, inactive: false }, 60_000)],
  ['switch', operation('switch', { slot: null }, 60_000)],
  ['rollback', operation('rollback', {}, 60_000)],
  ['switch b', operation('switch', { slot: 'b' }, 60_000)],
  ['update --wait 0', operation('update', { stopOld: false, watchMs: null }, 0)],
  ['update --wait 90d', operation('update', { stopOld: false, watchMs: null }, 2 ** 31 - 1)],
  ['stop --inactive --older-than 90d', operation('stop', { ...STOP, inactive: true, olderThanMs: 90 * 86_400_000 }, 0)],
  ['update', operation('update', { stopOld: false, watchMs: null }, 60_000)],
  ['update --stop-old', operation('update', { stopOld: true, watchMs: null }, 60_000)],
  ['update --dry-run --release r2', operation('plan', { stopOld: false, watchMs: null, release: 'r2' }, 60_000)],
  ['update --dry-run --stop-old', operation('plan', { stopOld: true, watchMs: null }, 60_000)],
  ['update --watch 30s', operation('update', { stopOld: false, watchMs: 30_000 }, 60_000)],
  ['--watch 30s update', operation('update', { stopOld: false, watchMs: 30_000 }, 60_000)],
  ['update --watch 0s', operation('update', { stopOld: false, watchMs: null }, 60_000)],
  ['--watch status', { kind: 'status', watch: true, intervalMs: 1_000, globals: NO_GLOBALS }],
  ['keepalive', operation('keepalive', {}, 0)],
  ['status', { kind: 'status', watch: false, intervalMs: 1_000, globals: NO_GLOBALS }],
  ['status --watch --interval 500ms', { kind: 'status', watch: true, intervalMs: 500, globals: NO_GLOBALS }],
  ['front', { kind: 'front', listen: { host: '127.0.0.1', port: 8080 }, globals: NO_GLOBALS }],
  ['front --listen 3000', { kind: 'front', listen: { host: '127.0.0.1', port: 3000 }, globals: NO_GLOBALS }],
  ['front --listen [::1]:0', { kind: 'front', listen: { host: '::1', port: 0 }, globals: NO_GLOBALS }],
  ['--help', { kind: 'help', command: null }],
  ['help', { kind: 'help', command: null }],
  ['stop -h', { kind: 'help', command: 'stop' }],
  ['help stop', { kind: 'help', command: 'stop' }],
  ['stop --al c --help', { kind: 'help', command: 'stop' }],
  ['-V', { kind: 'version' }],
  ['-c x.json --state-dir run', { kind: 'none', globals: { ...NO_GLOBALS, config: 'x.json', stateDir: 'run' } }],
];

for (const [line, invocation] of ACCEPTED) {
  test(`\`graceful ${line}\` is understood`, async () =>
    assert.deepEqual(await parseCommandLine(argvOf(line)), invocation));
}

test('global flags mean the same before and after the command', async () => {
  const globals = { config: 'x.json', stateDir: '/run/app', json: true, quiet: true, noColor: true };
  const flags = '-qc x.json --state-dir=/run/app --json --no-color';
  for (const line of [`${flags} update`, `update ${flags}`]) {
    assert.deepEqual(await parseCommandLine(argvOf(line)), {
      kind: 'operation',
      operation: 'update',
      input: { stopOld: false, watchMs: null },
      waitMs: 60_000,
      globals,
    });
  }
});

const REFUSED: readonly (readonly [line: string, message: RegExp, hint: RegExp | null])[] = [
  ['updaet', /^unknown command updaet$/, /^did you mean update\?$/],
  ['strat', /unknown command strat/, /did you mean start\?/],
  ['undo', /unknown command undo/, /did you mean rollback\?/],
  ['frobnicate', /unknown command frobnicate/, /the commands are .*start, stop/],
  ['constructor', /unknown command constructor/, /the commands are/],
  ['update --stop-odl', /unknown flag --stop-odl/, /did you mean --stop-old\?/],
  ['status --jsn', /unknown flag --jsn/, /did you mean --json\?/],
  ['update -x', /unknown flag -x/, /graceful update --help/],
  ['--frobnicate', /unknown flag --frobnicate/, /graceful --help/],
  ['update --force', /update does not take --force/, /a flag of .*stop/],
  ['--force', /--force needs a command/, /a flag of .*stop/],
  ['start c', /start: found c, expected a or b/, /graceful start --help/],
  ['start a a', /start: a is named twice/, null],
  ['start a b c', /found c, expected a or b/, null],
  ['switch a b', /switch takes one slot, found a b/, null],
  ['update a', /update takes no slots, found a/, null],
  ['stop a restart', /found restart, expected a or b/, null],
  ['update status', /update takes no slots, found status/, /one command at a time/],
  ['stop', /stop needs to know what: a, b, --inactive or --all/, /graceful stop --all/],
  ['restart', /restart needs to know what/, /graceful update/],
  ['stop --force', /stop needs to know what/, null],
  ['start a --all', /start: a and --all contradict each other/, /give one of them/],
  ['stop b --inactive', /stop: b and --inactive contradict/, null],
  ['restart --all --inactive', /--all and --inactive contradict/, null],
  ['stop --all --older-than 5m', /--older-than needs --inactive/, /graceful stop --inactive --older-than 5m/],
  ['status --interval 2s', /--interval needs --watch/, null],
  ['status --watch --interval 1ms', /found 1ms, expected at least 100ms/, null],
  ['update --wait soon', /--wait: found "soon", expected a duration/, /500ms, 30s, 5m or 1h/],
  ['update --wait', /--wait needs a value/, /--wait DURATION/],
  ['update --wait --json', /--wait needs a value/, null],
  ['update -c', /-c needs a value/, /-c FILE/],
  ['update --config=', /--config needs a value/, null],
  ['update --json=yes', /--json takes no value, found "yes"/, null],
  ['update -c a -c b', /-c is given 2 times/, /give it once/],
  ['front --listen :8080', /found ":8080", expected HOST:PORT/, /0\.0\.0\.0:8080/],
  ['front --listen localhost:70000', /^--listen: .*expected HOST:PORT/, null],
  ['run --metrics-listen localhost', /^--metrics-listen: found "localhost", expected HOST:PORT/, null],
];

for (const [line, message, hint] of REFUSED) {
  test(`\`graceful ${line}\` is a usage error that says what to type`, async () => {
    await assert.rejects(parseCommandLine(argvOf(line)), (error) => {
      assert.ok(error instanceof GracefulError && error.failure.code === 'usage', String(error));
      assert.equal(error.exitCode, 2);
      assert.match(error.message, message);
      if (hint !== null) assert.match(error.failure.details.hint ?? '', hint);
      return true;
    });
  });
}

test('a command line that makes no sense still says how its failure is to be printed', () => {
  assert.deepEqual(guessGlobals(['--json', 'updaet', '--no-color']), { ...NO_GLOBALS, json: true, noColor: true });
});
