// package.json: its start script, without npm in between where that is possible.
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { readCommandLine } from './command-line.ts';
import { type Draft, toName } from './draft.ts';
import { draftOf } from './draft-of.ts';
import { readObject } from './source-file.ts';

interface Manifest {
  readonly name?: unknown;
  readonly main?: unknown;
  readonly scripts?: Readonly<Record<string, unknown>>;
}

/** Null for a package that cannot be started. */
export async function fromPackage(file: string, dir: string): Promise<Draft | null> {
  const manifest = (await readObject(file)) as Manifest;
  const name = toName(typeof manifest.name === 'string' ? manifest.name : basename(dir));
  const start = manifest.scripts?.['start'];
  const main = typeof manifest.main === 'string' ? manifest.main : '';
  // `npm start` without a script runs server.js.
  const program = ['server.js', main].find((path) => path !== '' && existsSync(join(dir, path)));
  if (typeof start !== 'string' && program === undefined) return null;
  const line = await readCommandLine(typeof start === 'string' ? start : `node ${program}`);
  const lost = ['prestart', 'poststart']
    .filter((script) => manifest.scripts?.[script] !== undefined)
    .map((script) => ({
      what: `scripts.${script}`,
      why: 'the start script is run without npm; hooks.beforeStart can do it',
    }));
  const [first = '', ...rest] = line.argv;
  const local = `node_modules/.bin/${first}`;
  const argv = line.needsShell ? ['npm', 'start'] : existsSync(join(dir, local)) ? [local, ...rest] : line.argv;
  return draftOf({
    kind: 'node',
    source: basename(file),
    settings: { command: argv, name, env: line.needsShell ? {} : line.env },
    remarks: line.needsShell
      ? { command: 'The start script needs a shell, so npm runs it.' }
      : typeof start === 'string'
        ? { command: 'The start script itself: npm would be one more process.' }
        : {},
    lost: line.needsShell ? [] : lost,
  });
}
