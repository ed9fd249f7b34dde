// Run before the benchmarks: the peers, from Debian's packages and, for pm2, from npm into .cache/ (no dependency of ours).
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PM2_VERSION = '7.0.4';

const at = (path) => fileURLToPath(new URL(path, import.meta.url));
const run = (program, ...args) => spawnSync(program, args, { stdio: ['ignore', 2, 2] }).status === 0;

if (!run(process.execPath, at('../rig/install-requirements.mjs'), at('requirements.json'))) process.exitCode = 1;

const dir = at('../../.cache/bench/pm2');
const manifest = `${dir}/node_modules/pm2/package.json`;
const installed = existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')).version : null;
if (installed !== PM2_VERSION) {
  mkdirSync(dir, { recursive: true });
  console.error(`Installing pm2 ${PM2_VERSION} into .cache/bench/pm2`);
  // A peer that cannot be installed is a failure of its own measurements, not of the others.
  run('npm', 'install', '--prefix', dir, '--no-audit', '--no-fund', '--no-save', `pm2@${PM2_VERSION}`);
}
