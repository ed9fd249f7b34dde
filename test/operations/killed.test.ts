// SIGKILL to `graceful` at any point leaves a state from which the next command converges.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { assertExit, createTestApp, eventsOf, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const APPS = 5;
const KILLS_PER_APP = 10;

// One-shot only. SIGKILL to the command itself; to a supervisor: test/supervisor/killing-the-manager.test.ts.
describe('graceful killed with SIGKILL in the middle of an update', {
  concurrency: APPS,
  timeout: 600_000,
  skip: SKIP_IN_SHORT,
}, () => {
  for (let seed = 1; seed <= APPS; seed += 1)
    it(`at ${KILLS_PER_APP} random moments (seed ${seed}): no request fails, and each next update succeeds without a wait`, async () => {
      await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' } });
      await app.succeed('update');
      const startedAt = performance.now();
      await app.succeed('update');
      const typicalMs = performance.now() - startedAt;
      const random = randomFrom(seed);
      const client = constantClient(app);
      let version = 1;
      for (let kill = 0; kill < KILLS_PER_APP; kill += 1) {
        app.deploy(String(++version), { APP_ON_SIGTERM: 'exit' });
        const update = app.spawnGraceful(['update', '--json']);
        // The moment itself is what is random: nothing is waited for here.
        await Promise.race([sleep(random() * typicalMs), update.finished]);
        update.process.kill('SIGKILL');
        const killed = await update.finished;

        assert.equal((await app.get('/')).status, 200, 'the link leads to a live backend');
        assertSound(app, killed.stdout);
        app.deploy(String(++version), { APP_ON_SIGTERM: 'exit' });
        const next = app.spawnGraceful(['update', '--json']);
        const run = await next.finished;
        assertExit(run, 0);
        assert.equal(
          eventsOf(run, 'waiting').some((event) => event.for === 'lock'),
          false,
          run.stdout,
        );
        assert.equal(eventsOf(run, 'connections-cut').length, 0, run.stdout);
        assert.equal((await app.get('/')).version, String(version));
        await until('no half-started process is left', () => app.processes().length <= 2);
        assert.deepEqual(new Set(app.processes()), new Set([app.pid('a'), app.pid('b')]), 'an orphan');
      }
      assert.deepEqual(await client.failures(), []);
    });
});

/** Exactly one active slot that is ready, whatever the killed update had come to. */
function assertSound(app: TestApp, told: string): void {
  const active = app.active();
  assert.ok(active !== null && app.pid(active) !== null, told);
}

/** One request after the other through the link, on new connections. */
function constantClient(app: TestApp): { failures(): Promise<readonly unknown[]> } {
  const failures: unknown[] = [];
  let goesOn = true;
  const loop = (async () => {
    while (goesOn) {
      const answer = await app.get('/').catch((error: unknown) => ({ status: error }));
      if (answer.status !== 200) failures.push(answer.status);
      await sleep(5); // leaves the processor to those under test
    }
  })();
  return {
    async failures() {
      goesOn = false;
      await loop;
      return failures;
    },
  };
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}
