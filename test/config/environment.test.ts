import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { backendEnvironment } from '../../src/config/environment.ts';
import { workspace } from './workspace.ts';

const values = { socket: '/run/app-b.socket', slot: 'b', name: 'app', stateDir: '/run' } as const;
const own = { GRACEFUL_SOCKET: '/run/app-b.socket', GRACEFUL_SLOT: 'b', GRACEFUL_NAME: 'app' };

test('env is stronger than envFile, and both are stronger than the environment of the caller', async () => {
  using files = workspace({
    'graceful.config.json': {
      command: ['x'],
      envFile: ['one.env', 'two.env'],
      env: { C: 'env', D: null, F: null, S: 'unix:{socket}' },
    },
    'one.env': 'A=one\nB=one\nC=one\nD=one\n',
    'two.env': '# comment\nexport B="two words"\nQ=\'{slot}\'\n',
  });
  const base = { A: 'base', B: 'base', C: 'base', D: 'base', E: 'base', F: 'base', U: undefined };
  assert.deepEqual(await backendEnvironment(await files.load(), values, base), {
    A: 'one',
    B: 'two words',
    C: 'env',
    E: 'base',
    Q: '{slot}',
    S: 'unix:/run/app-b.socket',
    ...own,
  });
});

test('a backend always learns its own socket, slot and name', async () => {
  using files = workspace({
    'graceful.config.json': { command: ['x'], env: { GRACEFUL_SOCKET: '/else', GRACEFUL_SLOT: null } },
  });
  assert.deepEqual(await backendEnvironment(await files.load(), values, { GRACEFUL_NAME: 'other' }), own);
});

test('what speaks to the manager is kept from the backend, and what merely looks like it is not', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'] } });
  const managers = {
    GRACEFUL_CONFIG: 'x',
    GRACEFUL_STATEDIR: 'x',
    NOTIFY_SOCKET: '/run/systemd/notify',
    LISTEN_PID: '1',
    LISTEN_FDS: '1',
    LISTEN_FDNAMES: 'x',
    WATCHDOG_USEC: '1',
    WATCHDOG_PID: '1',
  };
  const apps = { LISTEN_PORT: '80', GRACEFUL_COLOR: 'red', HOME: '/root' };
  assert.deepEqual(await backendEnvironment(await files.load(), values, { ...managers, ...apps }), { ...apps, ...own });
});

test('an env file is read afresh at every start', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], envFile: '.env' }, '.env': 'A=old' });
  const config = await files.load();
  assert.equal((await backendEnvironment(config, values, {}))['A'], 'old');
  files.write('.env', 'A=new');
  assert.equal((await backendEnvironment(config, values, {}))['A'], 'new');
});

test('an env file that is missing fails by name', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], envFile: '.env' }, '.env': 'A=1' });
  const config = await files.load();
  rmSync(join(files.dir, '.env'));
  await assert.rejects(backendEnvironment(config, values, {}), {
    name: 'GracefulError',
    message: `${files.dir}/graceful.config.json: envFile: found no file at ${files.dir}/.env, expected a dotenv file that this user may read`,
  });
});
