// Nothing is left out twice: what `npm test` does in short, `npm run test:whole` does in full.
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { inRepo } from './rig/paths.ts';

it('npm run test:whole runs each test file that has a short extent', () => {
  const { scripts } = JSON.parse(readFileSync(inRepo('package.json'), 'utf8')) as { scripts: Record<string, string> };
  const [extent, ...words] = (scripts['test:whole'] ?? '').split(' ');
  assert.equal(extent, 'TEST_EXTENT=whole');
  const run = words
    .filter((word) => word.endsWith('.test.js'))
    .map((glob) => new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`));
  const inShort = readdirSync(inRepo('test'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) =>
      /from '\.{1,2}\/rig\/(?:extent|hosts)\.ts'/.test(readFileSync(join(inRepo('test'), file), 'utf8')),
    )
    .map((file) => `build/test/${file.replace(/\.ts$/, '.js')}`);
  assert.ok(inShort.length > 10, inShort.join());
  assert.deepEqual(
    inShort.filter((file) => !run.some((files) => files.test(file))),
    [],
  );
});
