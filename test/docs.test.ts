// README and docs/ say what the code is: links, commands, configuration keys, events, files, exit codes, guarantees.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { describe, it } from 'node:test';
import { commandsPage } from '../src/cli/reference/commands-page.ts';
import { jsonSchema } from '../src/config/json-schema.ts';
import { EXIT_CODES } from '../src/core/failure.ts';
import { CHECK_NAMES } from '../src/doctor/doctor.ts';
import { statePaths } from '../src/system/state-paths.ts';
import { EVENTS } from './cli/samples.ts';
import { inRepo } from './rig/paths.ts';
import { BIN } from './rig/test-app.ts';

const read = (page: string): string => readFileSync(inRepo(page), 'utf8');
const PAGES = [
  'README.md',
  'CHANGELOG.md',
  ...readdirSync(inRepo('docs'))
    .filter((file) => file.endsWith('.md'))
    .map((file) => `docs/${file}`),
];
const README = read('README.md');

/** The part under a heading, up to the next one of any level. */
function section(text: string, heading: string): string {
  const after = `\n${text}`.split(`\n${heading}\n`)[1] ?? assert.fail(`there is no heading ${heading}`);
  return after.split(/^#+ /m)[0] ?? '';
}

/** The cells of all table rows, without the heads. `\|` is no border. */
const rows = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter(
      (line, index, lines) => line.startsWith('| ') && !/^\| -/.test(lines[index + 1] ?? '') && !/^\| -/.test(line),
    )
    .map((line) =>
      line
        .slice(1, -1)
        .split(/(?<!\\)\|/)
        .map((cell) => cell.trim()),
    );

/** What stands in backticks. */
const quoted = (text: string): readonly string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, word = '']) => word);

const withoutCode = (text: string): string => text.replace(/^ *```[\s\S]*?^ *```/gm, '').replace(/`[^`]*`/g, '');

/** As GitHub makes anchors. */
const anchorsOf = (text: string): readonly string[] =>
  [...text.replace(/^ *```[\s\S]*?^ *```/gm, '').matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

const graceful = (...args: readonly string[]): string =>
  execFileSync(process.execPath, [BIN, ...args], { encoding: 'utf8', cwd: inRepo('docs') });

describe('links', () => {
  const links = PAGES.flatMap((page) =>
    [...withoutCode(read(page)).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = '']) => ({ page, target })),
  ).filter(({ target }) => !/^[a-z]+:/.test(target));

  it('lead to a file that is there, and to a heading in it', () => {
    assert.ok(links.length > 30, `only ${links.length} links found`);
    for (const { page, target } of links) {
      const [path = '', anchor] = target.split('#');
      const file = path === '' ? page : join(dirname(page), path);
      assert.ok(existsSync(inRepo(file)), `${page}: ${target}`);
      if (anchor !== undefined) assert.ok(anchorsOf(read(file)).includes(anchor), `${page}: ${target}`);
    }
  });

  it('lead from the README to every page', () => {
    const linked = links.filter(({ page }) => page === 'README.md').map(({ target }) => target.split('#')[0]);
    for (const page of PAGES.slice(1)) assert.ok(linked.includes(page), page);
  });
});

describe('the commands in the README', () => {
  const documented = rows(section(README, '## Commands')).map(([usage = '', does = '']) => ({
    usage: quoted(usage.replaceAll('\\|', '|'))[0] ?? '',
    does,
  }));

  it('are those of `graceful --help`, and the other way round', () => {
    const listed = (graceful('--help').split('Commands:\n')[1] ?? '').split('\n\n')[0] ?? '';
    const existing = [...listed.matchAll(/^ {2}(\w+)/gm)].map(([, name]) => name);
    assert.deepEqual(documented.map(({ usage }) => usage.split(' ')[0]).sort(), existing.sort());
  });

  it('have no flag that their own --help does not have; the others are in docs/commands.md', () => {
    for (const { usage, does } of documented) {
      const help = graceful(usage.split(' ')[0] ?? '', '--help');
      for (const [flag] of usage.matchAll(/--[a-z-]+/g)) assert.ok(help.includes(flag), `${usage}: ${flag}`);
      assert.notEqual(does, '');
    }
  });
});

interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly default?: unknown;
}

const shapesOf = (schema: JsonSchema): readonly JsonSchema[] => [
  schema,
  ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? [])].flatMap(shapesOf),
];

/** Every key with its default, `health.path` for what is inside. Those that only hold others are left out. */
function keysOf(schema: JsonSchema, prefix = ''): ReadonlyMap<string, unknown> {
  const found = new Map<string, unknown>();
  for (const [name, value] of shapesOf(schema).flatMap(({ properties }) => Object.entries(properties ?? {}))) {
    const inner = keysOf(value, `${prefix}${name}.`);
    if (inner.size === 0 || name === 'health') found.set(`${prefix}${name}`, value.default);
    for (const [key, standard] of inner) found.set(key, standard);
  }
  return found;
}

describe('the configuration keys in docs/configuration.md', () => {
  const existing = keysOf(jsonSchema());
  const documented = new Map(
    rows(section(read('docs/configuration.md'), '# Configuration')).map(([key = '', standard = '']) => [
      quoted(key)[0] ?? '',
      standard,
    ]),
  );

  it('are those of the JSON Schema, and the other way round', () => {
    assert.deepEqual([...documented.keys()].sort(), [...existing.keys()].sort());
  });

  it('have the defaults of the JSON Schema', () => {
    for (const [key, standard] of existing) {
      const said = quoted(documented.get(key) ?? '')[0];
      if (standard === undefined) assert.match(documented.get(key) ?? '', /^(required|none|the system's)/, key);
      else assert.equal(JSON.stringify(parsed(said)), JSON.stringify(standard), key);
    }
  });
});

/** A string may stand there without its quotes. */
function parsed(text = ''): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

describe('exit codes', () => {
  const table = rows(section(read('docs/exit-codes.md'), '# Exit codes'));
  const meanings = (found: typeof table): unknown => found.map(([code, meaning]) => [code, meaning]);

  it('of all failures in docs/exit-codes.md are those of the code, and the other way round', () => {
    const documented = table.flatMap(([exitCode, , codes = '']) =>
      quoted(codes.split(';')[0] ?? '').map((code) => [code, Number(exitCode)]),
    );
    assert.deepEqual(Object.fromEntries(documented), { ...EXIT_CODES });
    assert.equal(documented.length, Object.keys(EXIT_CODES).length);
  });

  it('mean the same in the README, in docs/exit-codes.md and in `graceful --help`', () => {
    assert.deepEqual(meanings(rows(section(README, '## Exit codes'))), meanings(table));
    const help = (graceful('--help').split('Exit codes:\n')[1] ?? '').split('\n\n')[0] ?? '';
    assert.deepEqual(
      [...help.matchAll(/^ *(\d+) {2}(.*)$/gm)].map(([, code, meaning]) => [code, meaning]),
      meanings(table),
    );
  });
});

it('every event of an operation is in docs/json.md, and every one there exists', () => {
  const documented = rows(section(read('docs/json.md'), '## Events')).map(([type = '']) => quoted(type)[0]);
  assert.deepEqual(documented.sort(), Object.keys(EVENTS).sort());
});

it('docs/commands.md is what the table of the commands says: `npm run docs:commands` writes it', () => {
  assert.equal(read('docs/commands.md'), commandsPage());
});

it('every check of doctor is in docs/doctor.md, and every one there exists', () => {
  const documented = [...read('docs/doctor.md').matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);
  assert.deepEqual(documented, CHECK_NAMES);
});

describe('docs/backends.md', () => {
  const page = read('docs/backends.md');
  const blocks = [...page.matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)].map(([, language, text = '']) => ({
    language,
    text,
  }));
  const files = readdirSync(inRepo('docs/examples'), { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(inRepo('docs/examples', path)).isFile())
    .map((path) => read(`docs/examples/${path}`));

  it('has the configuration of each example, word for word', () => {
    const shown = blocks.filter(({ language }) => language === 'yaml').map(({ text }) => text);
    const existing = readdirSync(inRepo('docs/examples')).map((name) =>
      read(`docs/examples/${name}/graceful.config.yaml`),
    );
    assert.deepEqual(shown.sort(), existing.sort());
  });

  it('shows nothing that is not in a file of an example', () => {
    for (const { text } of blocks)
      assert.ok(
        files.some((file) => file.includes(text.trim())),
        text,
      );
  });
});

describe('docs/many-servers.md', () => {
  const page = read('docs/many-servers.md');

  it('shows the playbook that the tests run', () => {
    assert.ok(page.includes(`\`\`\`yaml\n${read('docs/ansible/roll.yml')}\`\`\``));
  });

  it('has the variables of the role, with their defaults', () => {
    const defaults = [...read('docs/ansible/roles/graceful/defaults/main.yml').matchAll(/^(graceful_\w+): (.*)$/gm)];
    const documented = rows(section(page, '## Variables'))
      .map(([name = '', standard = '']) => [quoted(name)[0], quoted(standard)[0]?.replaceAll('\\|', '|')])
      .slice(1);
    assert.deepEqual(
      documented,
      defaults.map(([, name, standard]) => [name, standard]),
    );
  });
});

it('every file of the state dir is in docs/state-dir.md', () => {
  const { dir, slots, ...files } = statePaths('/run/app', 'app');
  const documented = rows(section(read('docs/state-dir.md'), '# Files in the state dir')).flatMap(([names = '']) =>
    quoted(names),
  );
  const existing = [...Object.values(files), ...Object.values(slots).flatMap((slot) => Object.values(slot))];
  assert.deepEqual([...documented].sort(), existing.map((path: string) => basename(path)).sort());
});

it('the picture in the README is text of commands that exist, small, and takes nothing from elsewhere', () => {
  const picture = read('docs/update.svg');
  assert.match(section(README, '# graceful'), /!\[[^\]]+\]\(docs\/update\.svg\)/);
  assert.ok(picture.length < 30_000, `${picture.length} bytes`);
  const commands = [...picture.matchAll(/>\$ .*?graceful (\w+)/g)].map(([, name]) => name);
  assert.deepEqual([...new Set(commands)], ['update', 'rollback']);
  assert.match(picture, /: none failed\.</);
  assert.doesNotMatch(picture.replace('http://www.w3.org/2000/svg', ''), /https?:|href|<image|<script|@import|url\(/);
});

describe('each guarantee of the README is the title of a test', () => {
  const guarantees = [...README.matchAll(/^\d\. (.+)$/gm)].map(([, text = '']) => (/^[^:.]+/.exec(text) ?? [''])[0]);
  const tests = readdirSync(inRepo('test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .map((file) => ({ file, text: readFileSync(inRepo('test', file), 'utf8') }));

  it('and there are four', () => assert.equal(guarantees.length, 4));

  for (const guarantee of guarantees)
    it(guarantee, () => {
      const title = new RegExp(`\\b(?:it|test)\\(\\s*(['"\`])${guarantee.replace(/[^\w ]/g, '\\$&')}\\1`);
      const found = tests.filter(({ text }) => title.test(text)).map(({ file }) => relative('.', file));
      assert.notEqual(found.length, 0, `no test is called "${guarantee}"`);
    });
});
