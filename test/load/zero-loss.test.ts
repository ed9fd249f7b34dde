// Not one request lost, in short: a few scenarios of the table. All of it: `npm run test:load`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { skipUnless } from '../rig/requirements.ts';
import { describeScenario, runScenario, SCENARIOS, type Scenario } from './scenarios.ts';

interface Row extends Scenario {
  readonly updates: number;
}

const PLAIN: readonly Row[] = [
  { nginx: 'a', language: 'node', onSigterm: 'exit', requests: 'fast', updates: 20 },
  { nginx: 'a', language: 'python', onSigterm: 'close', requests: 'mixed', updates: 5 },
  { nginx: 'a', language: 'node', onSigterm: 'ignore', requests: 'mixed', updates: 5 },
];

/** These take time, in which they mostly wait for nginx to let go of a slot: all at once. */
const KEEPALIVE: readonly Row[] = [
  { nginx: 'b', language: 'python', onSigterm: 'exit', requests: 'mixed', updates: 5 },
  { nginx: 'b', language: 'node', onSigterm: 'close', requests: 'fast', updates: 5 },
  { nginx: 'b', language: 'python', onSigterm: 'ignore', requests: 'fast', updates: 5 },
];

const skip = skipUnless('nginx', 'wrk', 'python3');

for (const [rows, concurrency] of [
  [PLAIN, 1],
  [KEEPALIVE, KEEPALIVE.length],
] as const)
  describe('no request is lost in an update', { skip, concurrency }, () => {
    for (const { updates, ...scenario } of rows)
      it(`${describeScenario(scenario)}: ${updates} updates in a row`, async () => {
        await runScenario(scenario, updates);
      });
  });

it('the scenarios tried here hold every pair of properties that the whole table holds', () => {
  const pairs = (scenarios: readonly Scenario[]): readonly string[] => {
    const found = scenarios.flatMap(({ nginx, language, onSigterm, requests }) => {
      const values = [nginx, language, onSigterm, requests];
      return values.flatMap((value, index) => values.slice(index + 1).map((other) => `${value} ${other}`));
    });
    return [...new Set(found)].sort();
  };
  assert.deepEqual(pairs([...PLAIN, ...KEEPALIVE]), pairs(SCENARIOS));
});
