import assert from 'node:assert/strict';
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { MAX_SOCKET_PATH_BYTES } from '../../src/config/socket-path.ts';
import { workspace } from './workspace.ts';

/** A state dir under `base` with which the longest socket path has this many bytes. */
const ofBytes = (base: string, bytes: number): string => {
  const rest = bytes - Buffer.byteLength(`${base}//app-a.socket`);
  return join(base, 'x'.repeat(rest));
};

test('a socket path may be as long as the kernel allows, and not a byte longer', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'] } });
  const longest = ofBytes(files.dir, MAX_SOCKET_PATH_BYTES);
  assert.equal((await files.load({ stateDir: longest })).stateDir, longest);
  const { message } = await files.failure({ stateDir: ofBytes(files.dir, MAX_SOCKET_PATH_BYTES + 1) });
  assert.match(message, new RegExp(`stateDir: found a socket path of ${MAX_SOCKET_PATH_BYTES + 1} bytes \\(/`));
  assert.match(message, new RegExp(`at most ${MAX_SOCKET_PATH_BYTES} bytes, the limit of unix\\(7\\)`));
});

test('the limit counts bytes and not letters, and the name too', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], stateDir: 'ü'.repeat(45) } });
  assert.match((await files.failure()).message, /stateDir: found a socket path of/);
  files.write('graceful.config.json', { command: ['x'], name: 'n'.repeat(100) });
  assert.match((await files.failure()).message, /stateDir: found a socket path of/);
});

test('symlinks on the way to the state dir are resolved, also before it exists', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], stateDir: 'link/app/run' } });
  mkdirSync(join(files.dir, 'real'));
  symlinkSync('real', join(files.dir, 'link'));
  const expected = join(files.dir, 'real/app/run');
  assert.equal((await files.load()).stateDir, expected);
  assert.equal(existsSync(join(files.dir, 'real/app')), false);
  mkdirSync(expected, { recursive: true });
  assert.equal((await files.load()).stateDir, expected);
});

test('a link that resolves to something short is not too long', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], stateDir: 'l'.repeat(100) } });
  mkdirSync(join(files.dir, 's'));
  symlinkSync('s', join(files.dir, 'l'.repeat(100)));
  assert.equal((await files.load()).stateDir, join(files.dir, 's'));
});

test('a state dir beyond a file is refused', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], stateDir: 'graceful.config.json/run' } });
  assert.match((await files.failure()).message, /stateDir: found .*ENOTDIR/);
});

test('cwd keeps its symlinks, so that a release link works', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'], cwd: 'current' } });
  mkdirSync(join(files.dir, 'r1'));
  symlinkSync('r1', join(files.dir, 'current'));
  assert.equal((await files.load()).cwd, join(files.dir, 'current'));
});
