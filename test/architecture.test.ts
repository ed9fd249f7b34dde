// The layers of src/: imports point down only, and each thing that only one place may do is done in that place.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import { describe, it } from 'node:test';
import { inRepo } from './rig/paths.ts';

interface Import {
  readonly from: string;
  /** Path in src/, `node:fs`, or a package's name. */
  readonly to: string;
  readonly isTypeOnly: boolean;
}

const src = inRepo('src');
const sources = new Map(
  readdirSync(src, { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts'))
    .map((file) => [file, readFileSync(join(src, file), 'utf8')]),
);

const STATIC = /^(?:import|export)\s+(type\s)?(?:([^'";]*?)\sfrom\s*)?'([^']+)'/gm;
const DYNAMIC = /\bimport\(\s*'([^']+)'\s*\)/g;

const imports: readonly Import[] = [...sources].flatMap(([from, text]) => {
  const resolve = (specifier: string): string =>
    specifier.startsWith('.') ? normalize(join(dirname(from), specifier)) : specifier;
  return [
    ...[...text.matchAll(STATIC)].map(([, type, names = '', specifier = '']) => ({
      from,
      to: resolve(specifier),
      isTypeOnly: type !== undefined || onlyTypes(names),
    })),
    ...[...text.matchAll(DYNAMIC)].map(([, specifier = '']) => ({ from, to: resolve(specifier), isTypeOnly: false })),
  ];
});

/** `{ type A, type B }` */
function onlyTypes(names: string): boolean {
  const list = /^\{([\s\S]*)\}$/.exec(names.trim())?.[1];
  if (list === undefined) return false;
  const parts = list.split(',').filter((name) => name.trim() !== '');
  return parts.length > 0 && parts.every((name) => name.trim().startsWith('type '));
}

const layerOf = (path: string): string => (path.includes('/') ? (path.split('/')[0] ?? '') : path);
const isOurs = ({ to }: Import): boolean => sources.has(to);
const isPackage = ({ to }: Import): boolean => !sources.has(to) && !to.startsWith('node:') && !to.startsWith('.');

/** What each layer may import of src/, besides itself. */
const BELOW: Readonly<Record<string, readonly string[]>> = {
  core: [],
  config: ['core'],
  system: ['core', 'config'],
  operations: ['core'],
  control: ['core'],
  setup: ['core', 'config', 'system'],
  hosts: ['core', 'system', 'operations', 'control', 'version.ts'],
  doctor: ['core', 'config', 'system'],
  api: ['core', 'config', 'system', 'operations', 'control', 'hosts'],
  cli: ['core', 'config', 'version.ts'],
  commands: ['cli', 'control', 'hosts', 'operations', 'doctor', 'setup', 'system', 'config', 'core', 'version.ts'],
  redirect: [],
};

/** What it may know the shape of, and gets from whoever calls it. */
const AS_TYPES: Readonly<Record<string, readonly string[]>> = {
  operations: ['system'],
  control: ['hosts'],
  cli: ['setup', 'doctor'],
};

const violations = (isAllowed: (found: Import) => boolean, of: (found: Import) => boolean): readonly string[] =>
  imports.filter((found) => of(found) && !isAllowed(found)).map(({ from, to }) => `${from} imports ${to}`);

describe('the architecture', () => {
  it('is read as it is: files and imports are found', () => {
    assert.ok(sources.size > 50 && imports.length > 200, `${sources.size} files, ${imports.length} imports`);
    assert.ok(
      imports.some(
        ({ from, to, isTypeOnly }) => from === 'operations/app.ts' && to === 'system/app-system.ts' && isTypeOnly,
      ),
    );
    assert.deepEqual(
      imports.filter((found) => found.to.endsWith('.ts') && !isOurs(found)).map(({ from, to }) => `${from}: ${to}`),
      [],
      'imports of files that do not exist',
    );
  });

  for (const [layer, below] of Object.entries(BELOW))
    it(`${layer} imports only ${[layer, ...below].join(', ')}${AS_TYPES[layer] === undefined ? '' : `, and ${AS_TYPES[layer].join(', ')} as types`}`, () => {
      const isAllowed = (found: Import): boolean =>
        [layer, ...below].includes(layerOf(found.to)) ||
        (AS_TYPES[layer]?.includes(layerOf(found.to)) === true && found.isTypeOnly) ||
        (layer === 'operations' && found.to === 'system/delay.ts');
      assert.deepEqual(
        violations(isAllowed, (found) => layerOf(found.from) === layer && isOurs(found)),
        [],
      );
    });

  it('core imports nothing at all from outside', () => {
    assert.deepEqual(
      violations(isOurs, ({ from }) => layerOf(from) === 'core'),
      [],
    );
  });

  it('redirect, which apps load, imports nothing but what Node has, and nobody imports it', () => {
    assert.deepEqual(
      violations(
        (found) => isOurs(found) || builtinModules.includes(found.to.replace(/^node:/, '')),
        ({ from }) => layerOf(from) === 'redirect',
      ),
      [],
    );
    assert.deepEqual(
      violations(
        ({ from }) => layerOf(from) === 'redirect',
        ({ to }) => layerOf(to) === 'redirect',
      ),
      [],
    );
  });

  it('operations know neither npm packages nor the operating system', () => {
    assert.deepEqual(
      violations(isOurs, ({ from }) => layerOf(from) === 'operations'),
      [],
    );
  });

  it('every package that is imported is a declared dependency, and every builtin is named with node:', () => {
    const manifest = JSON.parse(readFileSync(inRepo('package.json'), 'utf8'));
    const declared = Object.keys({ ...manifest.dependencies, ...manifest.devDependencies });
    const names = imports.filter(isPackage).map(({ to }) =>
      to
        .split('/')
        .slice(0, to.startsWith('@') ? 2 : 1)
        .join('/'),
    );
    assert.deepEqual(
      [...new Set(names)].filter((name) => !declared.includes(name) || builtinModules.includes(name)),
      [],
    );
  });

  const without = (pattern: RegExp, allowed: (file: string) => boolean): readonly string[] =>
    [...sources].filter(([file, text]) => !allowed(file) && pattern.test(withoutComments(text))).map(([file]) => file);

  it('only main.ts and cli touch stdout, stderr, argv, the exit code and the console', () => {
    assert.deepEqual(
      without(
        /\bprocess\s*\.\s*(?:stdout|stderr|stdin|argv|exit|exitCode)\b|\bconsole\s*\./,
        // write-json-schema.ts is a program of the build; loaders.ts quotes one that it runs.
        (file) =>
          layerOf(file) === 'cli' || ['main.ts', 'config/write-json-schema.ts', 'config/loaders.ts'].includes(file),
      ),
      [],
    );
  });

  it('only one file signals processes for good', () => {
    assert.deepEqual(
      without(/\bprocess\s*\.\s*kill\(/, (file) =>
        ['system/processes/terminate.ts', 'system/processes/identity.ts'].includes(file),
      ),
      [],
    );
    assert.deepEqual(
      [...(sources.get('system/processes/identity.ts') ?? '').matchAll(/process\.kill\(([^)]*)\)/g)].map(
        ([, args]) => args,
      ),
      ['pid, 0'],
      'identity.ts only asks',
    );
  });

  it('no file has a default export, an enum or an EventEmitter', () => {
    assert.deepEqual(
      without(/^export default|^\s*(?:export )?(?:const )?enum |\bEventEmitter\b/m, () => false),
      [],
    );
  });
});

const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(^|\s)\/\/.*$/gm, '$1');
