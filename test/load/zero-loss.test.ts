// Not one request lost, in short: a few scenarios of the table. All of it: `npm run test:load`.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT, times } from '../rig/extent.ts';
import { startNginx } from '../rig/nginx.ts';
import { skipUnless } from '../rig/requirements.ts';
import { eventsOf } from '../rig/test-app.ts';
import {
  connectionsAtSigterm,
  createScenarioApp,
  describeScenario,
  runScenario,
  SCENARIOS,
  type Scenario,
} from './scenarios.ts';
import { underLoad } from './under-load.ts';

interface Row extends Scenario {
  readonly updates: number;
  readonly isLeftToWhole?: true;
}

const PLAIN: readonly Row[] = [
  { nginx: 'a', language: 'node', onSigterm: 'exit', requests: 'fast', updates: times({ whole: 10, short: 3 }) },
  { nginx: 'a', language: 'python', onSigterm: 'close', requests: 'mixed', updates: 3 },
  { nginx: 'a', language: 'node', onSigterm: 'ignore', requests: 'mixed', updates: 3 },
];

/** These take time, in which they mostly wait for nginx to let go of a slot: all at once. */
const KEEPALIVE: readonly Row[] = [
  { nginx: 'b', language: 'python', onSigterm: 'exit', requests: 'mixed', updates: 3 },
  { nginx: 'b', language: 'node', onSigterm: 'close', requests: 'fast', updates: 3 },
  { nginx: 'b', language: 'python', onSigterm: 'ignore', requests: 'fast', updates: 3, isLeftToWhole: true },
];

const skip = skipUnless('nginx', 'wrk', 'python3');

for (const [rows, concurrency] of [
  [PLAIN, 1],
  [KEEPALIVE, KEEPALIVE.length],
] as const)
  describe('no request is lost in an update', { skip, concurrency }, () => {
    for (const { updates, isLeftToWhole = false, ...scenario } of rows)
      it(`${describeScenario(scenario)}: ${updates} updates in a row`, {
        skip: isLeftToWhole && SKIP_IN_SHORT,
      }, async () => {
        await runScenario(scenario, updates);
      });
  });

it('the witnesses see: with no time to drain, requests are lost, and wrk, nginx, the manager and the backend say so', {
  skip,
}, async () => {
  const scenario: Scenario = { nginx: 'b', language: 'node', onSigterm: 'exit', requests: 'mixed' };
  await using app = await createScenarioApp(scenario, { drainTimeout: '1ms' });
  await app.succeed('update');
  await using nginx = await startNginx({ config: 'keepalive', socketPath: app.link });
  const cut: number[] = [];
  const report = await underLoad(nginx, async () => {
    // At the first try, unless the machine is so busy that it takes half a second from the switch to the signal.
    for (let tries = 1; nginx.errorLog() === '' && tries <= 20; tries += 1) {
      const run = await app.succeed('update', '--stop-old');
      cut.push(...eventsOf(run, 'connections-cut').map(({ count }) => count ?? 0));
    }
  });
  assert.ok(report.failures.non2xx > 0);
  assert.match(nginx.errorLog(), /upstream prematurely closed connection/);
  assert.ok(Math.max(...cut) > 0);
  assert.ok(Math.max(...connectionsAtSigterm(app)) > 0);
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
