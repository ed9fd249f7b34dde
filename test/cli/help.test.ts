import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { CommandSpec, FlagSpec } from '../../src/cli/command-spec.ts';
import { COMMAND_NAMES, COMMANDS, GLOBAL_FLAGS } from '../../src/cli/commands.ts';
import { renderHelp, renderShortHelp } from '../../src/cli/help.ts';
import { parseCommandLine } from '../../src/cli/parse.ts';

test('help names every command and every global flag', () => {
  const help = renderHelp(null);
  for (const name of COMMAND_NAMES) {
    assert.match(help, new RegExp(`^  ${name} `, 'm'));
    assert.match(renderShortHelp(), new RegExp(`^  ${name} `, 'm'));
  }
  for (const flag of Object.keys(GLOBAL_FLAGS)) assert.ok(help.includes(`--${flag}`), flag);
});

for (const name of COMMAND_NAMES) {
  const spec: CommandSpec = COMMANDS[name];

  test(`\`graceful ${name} --help\` names its flags, examples and exit codes within 80 columns`, () => {
    const help = renderHelp(name);
    for (const [flag, { default: value }] of Object.entries<FlagSpec>(spec.flags)) {
      assert.ok(help.includes(`--${flag}`), flag);
      if (value !== undefined) assert.ok(help.includes(`Default: ${value}.`), flag);
    }
    for (const { command } of spec.examples) assert.ok(help.includes(command), command);
    for (const code of spec.exits) assert.match(help, new RegExp(`^ +${code}  \\S`, 'm'));
    const tooLong = help
      .split('\n')
      .filter((line) => line.length >= 80 && !spec.examples.some(({ command }) => line.trim() === command));
    assert.deepEqual(tooLong, []);
  });

  test(`the examples of ${name} can be typed as they stand`, async () => {
    for (const { command } of spec.examples) {
      const argv = command
        .replace(/^.*?graceful /, '')
        .replace(/ \|.*/, '')
        .split(' ');
      const invocation = await parseCommandLine(argv);
      const expected = argv.includes('--dry-run') ? 'plan' : name;
      assert.equal(invocation.kind === 'operation' ? invocation.operation : invocation.kind, expected, command);
    }
  });
}
