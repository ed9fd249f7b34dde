// The package as a program gets it: packed, installed into an empty project, imported there, and type-checked.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { inRepo, repoRoot } from '../rig/paths.ts';
import { NODE_APP } from '../rig/test-app.ts';
import { createSite, type Installed, installGraceful, type Site } from './site.ts';

const run = promisify(execFile);

/** The example of docs/api.md, word for word. */
const EXAMPLE = /```ts\n([\s\S]*?)```/.exec(readFileSync(inRepo('docs/api.md'), 'utf8'))?.[1] ?? '';

/** Each method and every option of a call. */
const PROGRAM = `
import { createGraceful, EXIT_CODES, GracefulError, type GracefulEvent } from 'gracefuld';

const graceful = await createGraceful({ config: 'graceful.config.ts' });
const events: GracefulEvent['type'][] = [];
const onEvent = ({ type }: GracefulEvent): void => void (type !== 'still-waiting' && events.push(type));
const say = (value: unknown): void => console.log(JSON.stringify(value));

const { active } = await graceful.start();
const { from, to }: { from: 'a' | 'b' | null; to: 'a' | 'b' } = await graceful.update({ onEvent, waitMs: 5_000 });
say({ active, from, to, events });
say((await graceful.status()).slots.map(({ state }) => state));
say((await graceful.rollback()).to);
say([(await graceful.switch()).to, (await graceful.switch({ slot: 'a' })).to, (await graceful.keepalive()).action]);
say((await graceful.restart({ inactive: true })).restarted);
try {
  await graceful.stop({});
} catch (error) {
  if (!(error instanceof GracefulError)) throw error;
  say([error.failure.code, error.exitCode === EXIT_CODES.usage]);
}
const signal = AbortSignal.abort(new Error('second thoughts'));
await graceful.update({ signal }).catch((error: GracefulError) => say([error.failure.code, error.message]));
await graceful.stop({ all: true });
say((await graceful.status()).desired);
`;

describe('the package, as a program imports it', { timeout: 600_000 }, () => {
  let installed: Installed;
  let site: Site;
  before(async () => {
    installed = await installGraceful();
    site = await createSite(installed);
    await copyFile(NODE_APP, site.join('app.mjs'));
    await writeFile(site.join('package.json'), '{ "type": "module", "private": true }');
    await run('npm', ['install', '--no-audit', '--no-fund', installed.tarball], { cwd: site.dir });
    await mkdir(site.join('node_modules/@types'), { recursive: true });
    await symlink(join(repoRoot, 'node_modules/@types/node'), site.join('node_modules/@types/node'));
    await writeFile(
      site.join('graceful.config.ts'),
      `import { defineConfig } from 'gracefuld';\nexport default defineConfig({ command: ['node', 'app.mjs'], stateDir: 'run', health: { type: 'http', path: '/healthz' } });\n`,
    );
    await writeFile(site.join('program.ts'), PROGRAM);
  });
  after(async () => {
    await site?.[Symbol.asyncDispose]();
    await installed?.[Symbol.asyncDispose]();
  });

  const compile = (options: string) =>
    site.sh(`node ${join(repoRoot, 'node_modules/typescript/bin/tsc')} --strict --target es2022 ${options}`);

  it('type-checks in a strict project, and runs as an ES module', async () => {
    const compiled = await compile('--module nodenext --types node --outDir out program.ts graceful.config.ts');
    assert.equal(compiled.code, 0, compiled.stdout);
    const { code, stdout, stderr } = await site.sh('node out/program.js');
    assert.equal(code, 0, stderr);
    assert.deepEqual(
      stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line)),
      [
        {
          active: 'a',
          from: 'a',
          to: 'b',
          events: ['backend-started', 'waiting', 'backend-ready', 'traffic-switched', 'switch-verified'],
        },
        ['ready', 'ready'],
        'a',
        ['b', 'a', 'none'],
        ['b'],
        ['usage', true],
        ['aborted', 'aborted by second thoughts before the switch'],
        'down',
      ],
    );
  });

  it('the example of the docs type-checks, and does what its comments say', async () => {
    await writeFile(site.join('example.ts'), EXAMPLE);
    const config = { command: ['node', 'app.mjs'], name: 'example', stateDir: 'run', health: { type: 'http' } };
    await writeFile(site.join('graceful.config.json'), JSON.stringify(config));
    const compiled = await compile('--module nodenext --types node --outDir out example.ts');
    assert.equal(compiled.code, 0, compiled.stdout);
    const good = await site.sh('node out/example.js');
    assert.match(good.stdout, /^backend-started\n[\s\S]*^traffic went from null to a\n$/m, good.stderr);
    await writeFile(site.join('graceful.config.json'), JSON.stringify({ ...config, command: ['false'] }));
    const bad = await site.sh('node out/example.js');
    assert.match(bad.stderr, /the backend exited with code 1 .* backend-exited 1\n$/);
    await writeFile(site.join('graceful.config.json'), JSON.stringify(config));
    assert.equal((await site.sh('graceful -c graceful.config.json stop --all')).code, 0);
    await rm(site.join('graceful.config.json'));
  });

  it('a wrong call does not compile', async () => {
    await writeFile(
      site.join('wrong.ts'),
      `import { createGraceful, defineConfig } from 'gracefuld';\nconst graceful = await createGraceful();\nawait graceful.switch({ slot: 'c' });\ndefineConfig({ command: 'x', drainTimeuot: 1 });\n`,
    );
    const { code, stdout } = await compile('--module nodenext --types node --noEmit wrong.ts');
    assert.notEqual(code, 0);
    assert.match(stdout, /wrong\.ts\(3,.*'"c"' is not assignable/);
    assert.match(stdout, /wrong\.ts\(4,.*drainTimeuot/);
    assert.equal(
      stdout
        .trim()
        .split('\n')
        .filter((line) => line.startsWith('wrong.ts')).length,
      2,
      stdout,
    );
  });

  it('tells a program what is wrong with its configuration, all at once', async () => {
    await writeFile(
      site.join('bad.mjs'),
      `import { createGraceful } from 'gracefuld';\nawait createGraceful({ config: { command: [], drainTimeuot: 1 } }).catch(({ failure }) => console.log(JSON.stringify(failure.details)));\n`,
    );
    const { stdout } = await site.sh('node bad.mjs');
    const { file, problems } = JSON.parse(stdout) as { file: null; problems: { key: string }[] };
    assert.deepEqual([file, problems.map(({ key }) => key)], [null, ['command', 'drainTimeuot']]);
  });
});
