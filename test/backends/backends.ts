// Every kind of backend with the real program, from its example in docs/examples. `npm run test:backends`.
// BACKENDS=puma (a part of the titles) runs those only.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { after, describe, it } from 'node:test';
import { inRepo } from '../rig/paths.ts';
import { table } from '../rig/table.ts';
import { BACKENDS, skipUnless } from './kit/backends.ts';
import { type Measured, updatesUnderLoad } from './kit/updates-under-load.ts';

const UPDATES = 5;
const ONLY = process.env['BACKENDS'] ?? '';
const results = new Map<string, Measured | null>();

describe('a backend of each kind', { concurrency: 2 }, () => {
  for (const backend of BACKENDS)
    for (const nginx of backend.nginx ?? (['plain', 'keepalive'] as const)) {
      const title = `${backend.example} behind graceful-${nginx}.conf`;
      if (!title.includes(ONLY)) continue;
      it(`${title}: ${UPDATES} updates lose no request`, {
        skip: skipUnless('nginx', 'wrk', ...(backend.needs ?? [])),
      }, async () => {
        results.set(title, null);
        await updatesUnderLoad(backend, nginx, UPDATES, (measured) => results.set(title, measured));
      });
    }
});

it('every example of the docs has its test', () => {
  assert.deepEqual(BACKENDS.map(({ example }) => example).sort(), readdirSync(inRepo('docs/examples')).sort());
});

after(() => {
  const rows = [...results].map(([title, result]) =>
    result === null
      ? [title, 'no result: see above']
      : [
          title,
          result.updates,
          result.requests,
          ...Object.values(result.failures),
          result.versions,
          Math.round(result.medianUpdateMs),
          Math.round(result.seconds),
        ].map(String),
  );
  const head = ['backend', 'updates', 'requests', 'refused', 'reset', 'timeout', 'non-2xx', 'wrong body', 'versions'];
  console.log(table([[...head, 'median update ms', 'total s'], ...rows]));
});
