// Run before the tests of the backends: the servers from Debian's packages, and what the examples' package.json ask for from
// npm, into .cache/backends/NAME (no dependency of ours).
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const run = (program, ...args) => spawnSync(program, args, { stdio: ['ignore', 2, 2] }).status === 0;

const debian = run(
  process.execPath,
  at('test/rig/install-requirements.mjs'),
  at('test/backends/kit/requirements.json'),
);
if (!debian) process.exitCode = 1;

const read = (path) => JSON.parse(readFileSync(path, 'utf8'));
const isThere = (dir, [name, version]) => {
  const manifest = `${dir}/node_modules/${name}/package.json`;
  return existsSync(manifest) && read(manifest).version === version;
};

for (const example of readdirSync(at('docs/examples'))) {
  const manifest = at(`docs/examples/${example}/package.json`);
  const wanted = existsSync(manifest) ? Object.entries(read(manifest).dependencies ?? {}) : [];
  const dir = at(`.cache/backends/${example}`);
  if (wanted.every((entry) => isThere(dir, entry))) continue;
  mkdirSync(dir, { recursive: true });
  cpSync(manifest, `${dir}/package.json`);
  console.error(`Installing ${wanted.map((entry) => entry.join(' ')).join(', ')} into .cache/backends/${example}`);
  if (!run('npm', 'install', '--prefix', dir, '--no-audit', '--no-fund', '--no-package-lock')) process.exitCode = 1;
}
