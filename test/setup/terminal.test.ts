// `graceful init` on a terminal: what it asks, and what it makes of the answers.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type Workspace, workspace } from '../config/workspace.ts';
import { inRepo } from '../rig/paths.ts';
import { need, skipUnless } from '../rig/requirements.ts';
import { BIN, cleanEnvironment } from '../rig/test-app.ts';

const ENTER = '\r';
const CTRL_C = '\u0003';
const CTRL_D = '\u0004';

const TWO_APPS = `module.exports = { apps: [{ name: 'front', script: 'front.js' }, { name: 'api', script: 'api.js' }] };\n`;
const PACKAGE = { name: 'shop', scripts: { start: 'node server.js' } };

type Answers = readonly (readonly [question: string, answer: string])[];

interface Talk {
  readonly code: number | null;
  readonly screen: string;
  /** The text of the configuration; null if none was written. */
  readonly written: string | null;
}

function talk(files: Workspace, answers: Answers, ...args: readonly string[]): Talk {
  const program = [
    inRepo('test/rig/on-a-terminal.py'),
    JSON.stringify(answers),
    process.execPath,
    BIN,
    'init',
    ...args,
  ];
  const { status, stdout, stderr } = spawnSync(need('python3'), program, {
    cwd: files.dir,
    encoding: 'utf8',
    env: { ...cleanEnvironment(), TERM: 'dumb', NO_COLOR: '1' },
    timeout: 120_000,
  });
  assert.equal(stderr, '');
  const path = join(files.dir, 'graceful.config.yaml');
  return { code: status, screen: stdout, written: existsSync(path) ? readFileSync(path, 'utf8') : null };
}

describe('graceful init on a terminal', { skip: skipUnless('python3') }, () => {
  it('asks which app, what it is called, for its health and whether to write; until an answer is one of the choices, again', () => {
    using files = workspace({ 'ecosystem.config.cjs': TWO_APPS, 'api.js': '', 'front.js': '' });
    const { code, screen, written } = talk(files, [
      ['Which? [1]: ', `neither${ENTER}`],
      ['Which? [1]: ', `2${ENTER}`],
      ['Name of the app [api]: ', `shop${ENTER}`],
      ['Path of a health check over HTTP (Enter: connecting is enough): ', `/healthz${ENTER}`],
      ['graceful.config.yaml? [Y/n]: ', `perhaps${ENTER}`],
      ['graceful.config.yaml? [Y/n]: ', `y${ENTER}`],
    ]);
    assert.equal(code, 0, screen);
    assert.match(screen, /1 {2}front\r?\n +2 {2}api/);
    assert.match(written ?? '', /^name: shop$/m);
    assert.match(written ?? '', /api\.js/);
    assert.match(written ?? '', /\/healthz/);
  });

  it('takes what is in brackets for Enter, and asks nothing that was said already', () => {
    using files = workspace({ 'package.json': PACKAGE, 'server.js': '' });
    const { code, screen, written } = talk(
      files,
      [
        ['Name of the app [shop]: ', ENTER],
        ['[Y/n]: ', ENTER],
      ],
      '--health-path',
      '/up',
    );
    assert.equal(code, 0, screen);
    assert.doesNotMatch(screen, /Path of a health check/);
    assert.match(written ?? '', /^name: shop$/m);
    assert.match(written ?? '', /\/up/);
  });

  it('asks for a command where nothing known is found', () => {
    using files = workspace({ 'main.js': '' });
    const { code, screen, written } = talk(files, [
      ['What starts the app?: ', `node main.js${ENTER}`],
      ['Name of the app [', ENTER],
      ['Path of a health check', ENTER],
      ['[Y/n]: ', ENTER],
    ]);
    assert.equal(code, 0, screen);
    assert.match(written ?? '', /main\.js/);
  });

  it('writes nothing at a no', () => {
    using files = workspace({ 'package.json': PACKAGE, 'server.js': '' });
    const { code, screen, written } = talk(files, [
      ['Name of the app', ENTER],
      ['Path of a health check', ENTER],
      ['[Y/n]: ', `n${ENTER}`],
    ]);
    assert.deepEqual([code, written], [0, null], screen);
    assert.match(screen, /Nothing was written\./);
  });

  for (const [what, key] of [
    ['Ctrl-C', CTRL_C],
    ['the end of the input', CTRL_D],
  ] as const)
    it(`ends at ${what}, with nothing written`, () => {
      using files = workspace({ 'package.json': PACKAGE, 'server.js': '' });
      const { code, screen, written } = talk(files, [['Name of the app [shop]: ', key]]);
      assert.deepEqual([code, written], [1, null], screen);
      assert.match(screen, /aborted/);
    });

  it('asks nothing with --yes', () => {
    using files = workspace({ 'package.json': PACKAGE, 'server.js': '' });
    const { code, screen, written } = talk(files, [], '--yes');
    assert.equal(code, 0, screen);
    assert.doesNotMatch(screen, /\]: /);
    assert.match(written ?? '', /^name: shop$/m);
  });
});
