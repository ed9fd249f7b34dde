// A Procfile's `web:` line.
import { basename } from 'node:path';
import { readCommandLine } from './command-line.ts';
import { type Draft, toName } from './draft.ts';
import { draftOf } from './draft-of.ts';
import { readText } from './source-file.ts';

/** Null for a Procfile without `web:`. */
export async function fromProcfile(file: string, dir: string): Promise<Draft | null> {
  const processes = new Map(
    [...readText(file).matchAll(/^([A-Za-z0-9_-]+):[ \t]*(.+)$/gm)].map(([, name = '', line = '']) => [name, line]),
  );
  const web = processes.get('web');
  if (web === undefined) return null;
  const line = await readCommandLine(web);
  return draftOf({
    kind: 'procfile',
    source: basename(file),
    settings: { command: line.argv, name: toName(basename(dir)), env: line.env },
    remarks: line.needsShell ? { command: 'The line needs a shell, and so it is given one.' } : {},
    lost: [...processes.keys()]
      .filter((name) => name !== 'web')
      .map((name) => ({
        what: `${name}:`,
        why:
          name === 'release'
            ? 'hooks.beforeStart can run it; it runs before every start, not only once per release'
            : 'graceful runs what answers requests',
      })),
  });
}
