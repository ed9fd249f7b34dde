// Workers that die under load: what they had in their hands is lost, and nobody is refused.
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { startHttpLoad } from '../rig/http-load.ts';
import { NO_FAILURES } from '../rig/load-report.ts';
import { createTestApp, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const WORKERS = 2;
const CONNECTIONS = 8;
/** How many die at once, again and again. */
const DEATHS = [1, 1, 2, 1, 2, 1] as const;

const workersOf = (app: TestApp): Promise<readonly number[]> =>
  until('all workers run', async () => {
    const pids = (await app.status()).slots[0]?.workers.map(({ pid }) => pid) ?? [];
    return pids.length === WORKERS && pids;
  });

it('no connect is refused while a crashed worker is replaced, nor while all of them are', {
  skip: SKIP_IN_SHORT,
}, async (t) => {
  await using app = await createTestApp({ config: { listen: 'inherit', workers: WORKERS } });
  await app.succeed('start');
  const leader = app.pid('a');
  const load = startHttpLoad({ target: { socketPath: app.link }, connections: CONNECTIONS, timeoutMs: 60_000 });
  try {
    await load.flowing;
    for (const count of DEATHS) {
      const dying = (await workersOf(app)).slice(0, count);
      for (const pid of dying) process.kill(pid, 'SIGKILL');
      await until('they are replaced', async () => (await workersOf(app)).every((pid) => !dying.includes(pid)));
    }
  } finally {
    await load.stop();
  }
  const report = await load.finished;
  const killed = DEATHS.reduce<number>((sum, count) => sum + count, 0);
  t.diagnostic(
    `${report.failures.reset} of ${report.requests} requests were in the hands of ${killed} workers that died`,
  );
  assert.deepEqual(report.failures, { ...NO_FAILURES, reset: report.failures.reset }, report.examples.join('\n'));
  assert.ok(report.failures.reset <= CONNECTIONS * DEATHS.length, `${report.failures.reset} were cut off`);
  assert.deepEqual([app.pid('a'), app.active()], [leader, 'a'], 'within its slot');
});
