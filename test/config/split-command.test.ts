import assert from 'node:assert/strict';
import { test } from 'node:test';
import { splitCommand } from '../../src/config/split-command.ts';

test('a command string is split as a shell would split words', async () => {
  const table: [string, string[]][] = [
    ['node server.js --port 80', ['node', 'server.js', '--port', '80']],
    [`  node "my app.js" 'a b'  c\\ d `, ['node', 'my app.js', 'a b', 'c d']],
    [`app --name="x y"'z'`, ['app', '--name=x yz']],
    [`app "" ''`, ['app', '', '']],
    [`app "a && b" 'c | d' e\\>f`, ['app', 'a && b', 'c | d', 'e>f']],
    [`app "it's" 'say "hi"'`, ['app', "it's", 'say "hi"']],
    [`app $'it\\'s'`, ['app', "it's"]],
    ['app --bind unix:{socket} {"a":1}', ['app', '--bind', 'unix:{socket}', '{a:1}']],
  ];
  for (const [text, argv] of table) assert.deepEqual(await splitCommand(text), { argv }, text);
});

test('variables and globs stay as they are written', async () => {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the dollars are the point
  const argv = ['app', '$HOME', '${HOME}', '${A:-b}/x', 'a$B', '*.js', 'src/?', '$'];
  assert.deepEqual(await splitCommand(argv.join(' ')), { argv });
});

test('whatever only a shell can do is refused by name', async () => {
  const table: [string, RegExp][] = [
    ['build && serve', /operator &&/],
    ['app | tee log', /operator \|/],
    ['app > log', /operator >/],
    ['app 2>&1', /operator >&/],
    ['app; app', /operator ;/],
    ['app &', /operator &/],
    ['app $(date)', /operator \(/],
    ['app # later', /comment/],
    ['app --color=#fff', /comment/],
    ['PORT=1 app', /assignment/],
    ['app "x', /quote that is not closed/],
    ["app it's", /quote that is not closed/],
    ['app \\', /quote that is not closed/],
    ['   ', /no program/],
    ['"" x', /no program/],
  ];
  for (const [text, found] of table) {
    const split = await splitCommand(text);
    assert.ok('found' in split, text);
    assert.match(split.found, found, text);
  }
});
