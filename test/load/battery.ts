// The whole table: every scenario, 20 updates each, and what came of it. `npm run test:load`; takes five to ten minutes.
// BATTERY=keepalive (a part of the titles) runs those scenarios only; BATTERY_UPDATES=5 makes it quicker.
import { after, describe, it } from 'node:test';
import { skipUnless } from '../rig/requirements.ts';
import { table } from '../rig/table.ts';
import { describeScenario, runScenario, SCENARIOS, type ScenarioResult } from './scenarios.ts';

const UPDATES = Number(process.env['BATTERY_UPDATES'] ?? 20);
const ONLY = process.env['BATTERY'] ?? '';

/** At once: (b) mostly waits for nginx to let go of a slot, (a) for nothing. */
const CONCURRENCY = { a: 2, b: 4 } as const;

const skip = skipUnless('nginx', 'wrk', 'python3');
const results = new Map<string, ScenarioResult | null>();

for (const nginx of ['a', 'b'] as const)
  describe(`configuration (${nginx})`, { skip, concurrency: CONCURRENCY[nginx] }, () => {
    for (const scenario of SCENARIOS) {
      const title = describeScenario(scenario);
      if (scenario.nginx !== nginx || !title.includes(ONLY)) continue;
      it(`${title}: ${UPDATES} updates in a row lose no request`, async () => {
        results.set(title, null);
        await runScenario(scenario, UPDATES, (result) => results.set(title, result));
      });
    }
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
  const head = ['scenario', 'updates', 'requests', 'refused', 'reset', 'timeout', 'non-2xx', 'wrong body', 'versions'];
  console.log(table([[...head, 'median update ms', 'total s'], ...rows]));
});
