// What nobody would write, by the thousand: generated from a seed, so that each case can be had again.
import {
  type Arbitrary,
  anything,
  array,
  constant,
  constantFrom,
  dictionary,
  double,
  integer,
  json,
  nat,
  oneof,
  record,
  sample,
  string,
  tuple,
  uint8Array,
} from 'fast-check';
import { COMMAND_NAMES, COMMANDS, GLOBAL_FLAGS } from '../../../src/cli/commands.ts';
import { randomFrom } from '../kit/seed.ts';

const KEYS = [
  'command',
  'name',
  'stateDir',
  'cwd',
  'env',
  'envFile',
  'socketMode',
  'socketGroup',
  'health',
  'startTimeout',
  'drainTimeout',
  'stopSignal',
  'stopTimeout',
  'schedule',
  'log',
  'hooks',
  'comand',
  '__proto__',
  'constructor',
  '',
];

const oddText: Arbitrary<string> = oneof(
  string(),
  string({ unit: 'binary', maxLength: 30 }),
  constantFrom(
    '',
    ' ',
    '\0',
    '\n',
    '../..',
    '/',
    '~',
    '"',
    "'",
    '$(reboot)',
    '{socket}',
    '{slot}{slot',
    '\u202e',
    '\ud800',
    '-',
    '--',
    '1e999',
  ),
  integer({ min: 1, max: 20_000 }).map((length) => 'x'.repeat(length)),
);

const oddValue: Arbitrary<unknown> = oneof(
  oddText,
  double(),
  constantFrom<unknown>(null, true, false, [], {}, [[]], -1, 0, 2 ** 53, 1e308, Number.NaN, Number.POSITIVE_INFINITY),
  array(oddText, { maxLength: 4 }),
  dictionary(oddText, oddText, { maxKeys: 3 }),
  anything({ maxDepth: 3 }),
  nat(400).map(nested),
);

/** Objects in objects. */
function nested(depth: number): unknown {
  let value: unknown = {};
  for (let level = 0; level < depth; level += 1) value = level % 2 === 0 ? { health: value } : [value];
  return value;
}

/** Nearly right: wrong in a few keys. Else anything at all. */
export const configuration: Arbitrary<unknown> = oneof(
  {
    weight: 4,
    arbitrary: tuple(constant({ command: ['true'] }), dictionary(constantFrom(...KEYS), oddValue, { maxKeys: 4 })).map(
      ([right, wrong]) => ({ ...right, ...wrong }),
    ),
  },
  { weight: 1, arbitrary: dictionary(constantFrom(...KEYS), oddValue) },
  {
    weight: 1,
    arbitrary: record({
      command: oddValue,
      health: record({ type: oddValue, path: oddValue, status: oddValue }),
      schedule: dictionary(constantFrom('keepalive', 'timeZone', 'x'), oddValue),
    }),
  },
  { weight: 1, arbitrary: oddValue },
);

const bytes = uint8Array({ maxLength: 3_000 }).map((some) => Buffer.from(some));

/** A file's name and its content. */
export const file: Arbitrary<{ readonly name: string; readonly content: Buffer }> = tuple(
  constantFrom('c.json', 'c.yaml', 'c.yml', 'c.mjs', 'c.cjs', 'c.ts', '.gracefulrc', 'c.toml', 'c'),
  oneof(
    bytes,
    json().map((text) => Buffer.from(text)),
    configuration.map((value) => Buffer.from(stringify(value))),
    tuple(configuration, nat(100)).map(([value, cut]) => Buffer.from(stringify(value).slice(0, -cut))),
    oddText.map((text) => Buffer.from(text)),
    constantFrom(...PROGRAMS()).map((text) => Buffer.from(text)),
    integer({ min: 1, max: 50_000 }).map((depth) => Buffer.from(`{"command":${'['.repeat(depth)}`)),
    constantFrom(
      'a: &a [*a]',
      '? - : {',
      '%YAML 9.9\n---\n',
      '- a\n b',
      '!!js/function "x"',
      'command: !!binary x',
      '\ufeff{}',
    ).map((text) => Buffer.from(text)),
  ),
).map(([name, content]) => ({ name, content }));

/** Programs that throw, hang, leave something open, or give what is no configuration. */
function PROGRAMS(): readonly string[] {
  const given = [
    '() => 1',
    'Symbol("x")',
    '10n',
    'new Proxy({}, { get() { throw new Error("no"); } })',
    'new Map()',
    '{ get command() { throw 1; } }',
  ];
  return [
    ...given.flatMap((value) => [`export default ${value};`, `module.exports = ${value};`]),
    ...[
      'throw new Error("x");',
      'throw null;',
      'throw { toString() { throw 1; } };',
      'process.exit(0);',
      'process.exit(7);',
      'import "./not-there.mjs";',
      'export default {',
      '\0',
    ],
    'export default { comand: 1 }; setInterval(() => {}, 1000);',
    'await new Promise(() => {});',
  ];
}

function stringify(value: unknown): string {
  try {
    return JSON.stringify(value) ?? 'undefined';
  } catch {
    return '{'; // a bigint
  }
}

const FLAGS = [...Object.keys(GLOBAL_FLAGS), ...COMMAND_NAMES.flatMap((name) => Object.keys(COMMANDS[name].flags))];

/** Words as execve(2) can carry them: no NUL. */
const word: Arbitrary<string> = oneof(
  constantFrom(
    ...COMMAND_NAMES,
    'a',
    'b',
    'c',
    '-',
    '--',
    '---',
    '-c',
    '-q',
    '-h=',
    '-qV',
    '--json=1',
    '--wait=',
    '--no-wait',
  ),
  constantFrom(...FLAGS).map((flag) => `--${flag}`),
  tuple(constantFrom(...FLAGS), oddText).map(([flag, value]) => `--${flag}=${value}`),
  oddText,
).map((text) => text.replaceAll('\0', '').slice(0, 20_000));

export const commandLine: Arbitrary<readonly string[]> = array(word, { maxLength: 7 });

export const requestBody: Arbitrary<{ readonly operation: string; readonly body: string }> = tuple(
  oneof(constantFrom('start', 'stop', 'restart', 'switch', 'update', 'keepalive', 'toString', '__proto__'), oddText),
  oneof(
    json(),
    configuration.map(stringify),
    oddText,
    record({ input: oddValue, waitMs: oddValue, by: oddValue }, { requiredKeys: [] }).map(stringify),
  ),
).map(([operation, body]) => ({ operation, body }));

export const rubbish: Arbitrary<Buffer> = oneof(
  bytes,
  json().map((text) => Buffer.from(text)),
  oddText.map((text) => Buffer.from(text)),
);

/** So many values, the same for the same seed and name. */
export const generate = <T>(arbitrary: Arbitrary<T>, count: number, name: string): readonly T[] =>
  sample(arbitrary, { numRuns: count, seed: Math.floor(randomFrom(name)() * 2 ** 31) });
