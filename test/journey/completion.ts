// The completions in the real shells, and the man page as man shows it.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { COMMAND_NAMES } from '../../src/cli/commands.ts';
import { inRepo } from '../rig/paths.ts';
import { need } from '../rig/requirements.ts';
import { type TempDir, tempDir } from '../rig/temp-dir.ts';
import { BIN } from '../rig/test-app.ts';

const script = (shell: string): string =>
  spawnSync(process.execPath, [BIN, 'completion', shell], { encoding: 'utf8' }).stdout;

/** What each shell offers for a line, by its own means. */
const SHELLS: Readonly<Record<string, (line: string, dir: TempDir) => readonly string[]>> = {
  bash(line, dir) {
    const words = line.split(' ');
    const run = `source ${dir.join('graceful.bash')}; COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}; compopt() { :; }; _graceful; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return answer('bash', ['--norc', '-c', run], dir);
  },
  fish: (line, dir) =>
    answer(need('fish'), ['--no-config', '-c', `source graceful.fish; complete -C '${line}'`], dir).map(
      (offer) => offer.split('\t')[0] ?? '',
    ),
  // zsh completes only on a terminal: python3's pty is one. Each offer stands in a line of its own.
  zsh: (line, dir) => answer(need('python3'), [inRepo('test/journey/zsh-completion.py'), line], dir),
};

function answer(program: string, args: readonly string[], dir: TempDir): readonly string[] {
  const { stdout, stderr, status } = spawnSync(program, args, { cwd: dir.path, encoding: 'utf8', timeout: 180_000 });
  assert.equal(status, 0, stderr);
  return stdout.split('\n').filter(Boolean).sort();
}

describe('completion', { timeout: 600_000 }, () => {
  let dir: TempDir;
  before(async () => {
    dir = await tempDir();
    mkdirSync(dir.join('etc'));
    writeFileSync(dir.join('shop.config.json'), '{}');
    for (const shell of Object.keys(SHELLS)) writeFileSync(dir.join(`graceful.${shell}`), script(shell));
    writeFileSync(dir.join('_graceful'), script('zsh'));
  });
  after(() => dir[Symbol.asyncDispose]());

  for (const [shell, offers] of Object.entries(SHELLS))
    describe(shell, () => {
      const startsLike = (line: string, expected: readonly string[]) =>
        it(`${line}⇥`, () => {
          const found = offers(line, dir);
          for (const word of expected) assert.ok(found.includes(word), `${word} is not among ${found.join(' ')}`);
        });

      it('knows every command', () => {
        const found = offers('graceful ', dir);
        for (const name of COMMAND_NAMES) assert.ok(found.includes(name), `${name} is not among ${found.join(' ')}`);
      });
      it('only those that begin as was typed', () =>
        assert.deepEqual(offers('graceful sta', dir), ['start', 'status']));
      startsLike('graceful start ', ['a', 'b']);
      startsLike('graceful start --', ['--all', '--wait']);
      startsLike('graceful -c shop.config.json stop --', ['--all', '--force', '--inactive', '--older-than']);
      startsLike('graceful setup ', ['nginx', 'crontab', 'systemd', 'git-hook', 'logrotate']);
      startsLike('graceful -c sh', ['shop.config.json']);
      startsLike('graceful --config sh', ['shop.config.json']);
    });

  it('needs to know which shell', () => {
    const { status, stderr } = spawnSync(process.execPath, [BIN, 'completion'], { encoding: 'utf8' });
    assert.equal(status, 2);
    assert.match(stderr, /which shell: bash, zsh or fish/);
  });
});

it('man graceful has every command, and man finds nothing to complain about', () => {
  const page = inRepo('dist/graceful.1');
  const { stdout, stderr } = spawnSync('man', ['--warnings', '-l', page], {
    encoding: 'utf8',
    env: { ...process.env, MANWIDTH: '100', LC_ALL: 'C.UTF-8', MAN_KEEP_FORMATTING: '' },
  });
  assert.equal(stderr, '');
  for (const name of COMMAND_NAMES) assert.match(stdout, new RegExp(`graceful ${name}`));
  assert.match(stdout, /--older-than DURATION/);
});
