import assert from 'node:assert/strict';
import { chmodSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { SEARCH_PLACES } from '../../src/config/explorer.ts';
import { findConfigFile, loadConfig } from '../../src/config/load.ts';
import { workspace } from './workspace.ts';

const CONTENT: Record<string, string> = {
  'package.json': '{"name":"x","graceful":{"command":"found it"}}',
  '.gracefulrc': 'command: found it\n',
  json: '{"command":"found it"}',
  yaml: 'command: found it\n',
  yml: 'command: found it\n',
  js: 'export default { command: "found it" };',
  mjs: 'export default { command: "found it" };',
  cjs: 'module.exports = { command: "found it" };',
  ts: 'type C = { command: string }; const config: C = { command: "found it" }; export default config satisfies C;',
};

const contentOf = (place: string): string => CONTENT[place] ?? CONTENT[place.slice(place.lastIndexOf('.') + 1)] ?? '';

test('the search places are the documented ones', () => {
  const endings = ['json', 'yaml', 'yml', 'js', 'mjs', 'cjs', 'ts'];
  assert.deepEqual(SEARCH_PLACES, [
    'package.json',
    '.gracefulrc',
    ...endings.map((ending) => `.gracefulrc.${ending}`),
    ...endings.map((ending) => `graceful.config.${ending}`),
  ]);
});

for (const place of SEARCH_PLACES) {
  test(`${place} is found from a directory below it`, async () => {
    // The type makes .js an ES module on every version of Node.
    using files = workspace({ 'package.json': '{"type":"module"}', [place]: contentOf(place) });
    mkdirSync(join(files.dir, 'a/b'), { recursive: true });
    const config = await files.load({ cwd: join(files.dir, 'a/b') });
    assert.deepEqual([config.file, config.command], [join(files.dir, place), ['found', 'it']]);
    assert.equal(config.cwd, files.dir);
  });
}

test('the nearest directory wins, and a package.json without a graceful key is passed by', async () => {
  using files = workspace({
    'graceful.config.json': { command: ['outer'] },
    'app/package.json': { name: 'app', cosmiconfig: { searchPlaces: ['other.json'] } },
    'app/other.json': { command: ['other'] },
    'app/.config/config.js': 'throw new Error("run");',
    'app/src/.gracefulrc': 'command: inner',
  });
  assert.deepEqual((await files.load({ cwd: join(files.dir, 'app/src') })).command, ['inner']);
  assert.deepEqual((await files.load({ cwd: join(files.dir, 'app') })).command, ['outer']);
});

test('-c is stronger than GRACEFUL_CONFIG, which is stronger than the search', async () => {
  using files = workspace({
    'graceful.config.json': { command: ['searched'] },
    'env.json': { command: ['env'] },
    'sub/flag.yaml': 'command: flag',
    'sub/package.json': { graceful: { command: ['package'] } },
  });
  const env = { GRACEFUL_CONFIG: 'env.json' };
  const commandOf = async (request: object) => (await files.load(request)).command[0];
  assert.equal(await commandOf({ env, file: 'sub/flag.yaml' }), 'flag');
  assert.equal(await commandOf({ env }), 'env');
  assert.equal(await commandOf({ env: { GRACEFUL_CONFIG: '' } }), 'searched');
  assert.equal(await commandOf({ file: join(files.dir, 'sub/package.json') }), 'package');
});

test('--state-dir and GRACEFUL_STATEDIR are relative to the working directory, the key to the file', async () => {
  using files = workspace({ 'etc/app.json': { command: ['x'], stateDir: 'state' } });
  const stateDirOf = async (request: object) => (await files.load({ file: 'etc/app.json', ...request })).stateDir;
  const env = { GRACEFUL_STATEDIR: 'by-env' };
  assert.equal(await stateDirOf({}), join(files.dir, 'etc/state'));
  assert.equal(await stateDirOf({ env }), join(files.dir, 'by-env'));
  assert.equal(await stateDirOf({ env, stateDir: 'by-flag' }), join(files.dir, 'by-flag'));
  assert.equal(await stateDirOf({ env: { GRACEFUL_STATEDIR: '' } }), join(files.dir, 'etc/state'));
  assert.equal(await stateDirOf({ stateDir: '/run/x' }), '/run/x');
});

test('several that are programs are read side by side, and the process can end afterwards', async () => {
  using files = workspace({
    'a.mjs': 'export default { command: ["a"] };',
    'b.ts': 'export default { command: ["b"] };',
    'c.mjs': 'await new Promise((resolve) => setTimeout(resolve, 50)); export default { command: ["c"] };',
  });
  const { exit } = process;
  const found = await Promise.all(['a.mjs', 'b.ts', 'c.mjs'].map((file) => files.load({ file })));
  assert.deepEqual(
    found.map(({ command }) => command[0]),
    ['a', 'b', 'c'],
  );
  assert.equal(process.exit, exit);
});

test('findConfigFile names the file that would be loaded', async () => {
  using files = workspace({ 'app/graceful.config.json': { command: ['x'] } });
  const find = (cwd: string) => findConfigFile({ cwd, env: {}, file: null });
  assert.equal(await find(join(files.dir, 'app')), join(files.dir, 'app/graceful.config.json'));
  assert.equal(await find(files.dir), null);
});

test('no configuration anywhere: the failure says what was looked for and what to do', async () => {
  using files = workspace();
  const { message } = await files.failure();
  assert.match(message, new RegExp(`^no configuration in ${files.dir} or any directory above it`));
  for (const word of ['package.json', '.gracefulrc', 'graceful.config.json', '-c FILE', 'GRACEFUL_CONFIG']) {
    assert.ok(message.includes(word), word);
  }
});

test('a file that cannot be used is named with the reason', async () => {
  const table: [name: string, content: string, line: RegExp][] = [
    ['a.json', '', /found an empty file/],
    ['a.json', 'null', /found an empty file/],
    ['a.yaml', '# nothing\n', /found an empty file/],
    ['a.json', '{\n  "command": ["x"],\n}', /found invalid JSON at line 3, column 1/],
    ['a.json', '{"command": ["x"]', /found invalid JSON at line 1, column 18/],
    ['a.json', '{"a":1}}', /found invalid JSON at line 1, column 8/],
    ['a.json', '// x', /found invalid JSON at line 1, column 1/],
    ['a.yaml', 'command: x\n  y: z\n', /found invalid YAML at line 2/],
    ['a.ts', 'export default {\n  command: [a b],\n};', /found an error at line 2/],
    ['a.mjs', '\nthrow new Error("no such region");', /found an error at line 2: no such region/],
    ['a.mjs', 'export default {', /found SyntaxError/],
    ['a.mjs', 'export const command = "x";', /found no default export/],
    ['a.mjs', 'export default () => ({});', /found a function, expected an object/],
    ['a.cjs', 'throw null;', /found null/],
    ['a.mjs', 'throw { toString() { throw 1; } };', /found something that cannot be shown was thrown/],
    ['a.mjs', 'export default { get command() { throw new Error("not today"); } };', /found .*not today/],
    ['a.mjs', 'const a = { command: "x" }; a.hooks = a; export default a;', /found an object that contains itself/],
    ['a.mjs', 'process.exit(0);', /found a file that ends the process that reads it/],
    ['a.ts', 'process.exit(0);', /found a file that ends the process that reads it/],
    ['package.json', '{"name":"x"}', /graceful: missing/],
    ['package.json', '{"graceful":', /found invalid JSON/],
    ['a.toml', 'command = "x"', /found a file of unknown type, expected one that ends in .json/],
  ];
  for (const [name, content, line] of table) {
    using files = workspace({ [name]: content });
    const { message } = await files.failure({ file: name });
    assert.ok(message.startsWith(`${join(files.dir, name)}: `), message);
    assert.match(message, line);
  }
});

test('a named file that is not there is not searched for elsewhere', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['x'] } });
  assert.match((await files.failure({ file: 'nope.json' })).message, /nope\.json: found no such file/);
  assert.match(
    (await files.failure({ env: { GRACEFUL_CONFIG: 'nope.json' } })).message,
    /nope\.json: found no such file/,
  );
  assert.match((await files.failure({ file: '.' })).message, /found a directory/);
  assert.match((await files.failure({ file: 'graceful.config.json/x' })).message, /not a directory/);
});

test('a search stops at a broken file instead of using one further up', async () => {
  const broken: Record<string, string> = { 'empty file': '', 'an empty file': 'null', 'invalid JSON': '{' };
  for (const [found, content] of Object.entries(broken)) {
    using files = workspace({ 'graceful.config.json': { command: ['outer'] }, 'app/graceful.config.json': content });
    const { message } = await files.failure({ cwd: join(files.dir, 'app') });
    assert.ok(message.includes(`app/graceful.config.json: found`) && message.includes(found), message);
  }
});

test('a file that may not be read stops the search too', async () => {
  using files = workspace({ 'graceful.config.json': { command: ['outer'] } });
  files.write('app/graceful.config.json', { command: ['inner'] }, 0o000);
  chmodSync(files.dir, 0o755);
  using _ = asOrdinaryUser();
  assert.match((await files.failure({ cwd: join(files.dir, 'app') })).message, /found permission denied/);
});

/** Root may read everything: as root, what follows runs as nobody. */
function asOrdinaryUser(): Disposable {
  const isRoot = process.geteuid?.() === 0;
  if (isRoot) process.seteuid?.(65534);
  return {
    [Symbol.dispose]() {
      if (isRoot) process.seteuid?.(0);
    },
  };
}

test('a byte order mark is no mistake', async () => {
  using files = workspace({ 'graceful.config.json': '\uFEFF{"command":["x"]}' });
  assert.deepEqual((await files.load()).command, ['x']);
});

test('a changed file is read afresh', async () => {
  using files = workspace({
    'graceful.config.json': { command: ['old'] },
    'other.ts': 'export default { command: "old" }',
  });
  await files.load();
  await files.load({ file: 'other.ts' });
  files.write('graceful.config.json', { command: ['new'] });
  files.write('other.ts', 'export default { command: "new" }');
  assert.deepEqual((await files.load()).command, ['new']);
  assert.deepEqual((await files.load({ file: 'other.ts' })).command, ['new']);
});

test('the root directory can be searched', async () => {
  await assert.rejects(loadConfig({ cwd: '/', env: {}, file: null, stateDir: null }), /no configuration in \//);
});
