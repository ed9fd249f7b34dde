// Where the sources of the tests are: compiled tests run from the build directory, while apps and scripts stay in place.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory of this package: the nearest one upward whose package.json bears its name, and which is not a copy made by a build. */
export const repoRoot: string = findRoot(dirname(fileURLToPath(import.meta.url)));

/** A file of this package, as an absolute path. */
export const inRepo = (...parts: readonly string[]): string => join(repoRoot, ...parts);

/** The example apps, one per language. */
export const appPath = { node: inRepo('test/apps/node-app.mjs'), python: inRepo('test/apps/python-app.py') } as const;

function findRoot(from: string): string {
  const manifest = join(from, 'package.json');
  const isSource = existsSync(manifest) && existsSync(join(from, 'test/apps'));
  if (isSource && JSON.parse(readFileSync(manifest, 'utf8')).name === 'gracefuld') return from;
  const parent = dirname(from);
  if (parent === from) throw new Error('no package.json of gracefuld in any directory above the tests');
  return findRoot(parent);
}
