// The other operations that move traffic or take it away: what they do to the requests that are under way.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { startLoad } from '../rig/load.ts';
import { NO_FAILURES } from '../rig/load-report.ts';
import { type Nginx, startNginx } from '../rig/nginx.ts';
import { skipUnless } from '../rig/requirements.ts';
import { createTestApp, eventsOf, type TestApp } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';
import { assertAnswersAlone, assertNothingLost, connectionsTo, underLoad, untilLeft } from './under-load.ts';

/** Odd, so that traffic ends up in the other slot. */
const SWITCHES = 51;

const ENV = { APP_ON_SIGTERM: 'exit', APP_DELAY: '0-3' };

/** Version 1 in slot a, and version 2 in slot b, which is active. */
const createAppWithTwoVersions = async (env = {}): Promise<TestApp> => {
  const app = await createTestApp({ env: { ...ENV, ...env }, config: { drainTimeout: '30s' } });
  await app.succeed('update');
  app.deploy('2');
  await app.succeed('update');
  return app;
};

describe('under load', { skip: SKIP_IN_SHORT || skipUnless('nginx', 'wrk') }, () => {
  for (const config of ['plain', 'keepalive'] as const)
    it(`graceful switch, back and forth ${SWITCHES} times, loses no request: graceful-${config}.conf`, async () => {
      await using app = await createAppWithTwoVersions();
      await using nginx = await startNginx({ config, socketPath: app.link });
      const report = await underLoad(nginx, async () => {
        for (let turn = 1; turn <= SWITCHES; turn += 1) {
          await app.succeed('switch');
          assert.equal(app.active(), turn % 2 === 1 ? 'a' : 'b');
          assert.equal((await app.get('/')).version, turn % 2 === 1 ? '1' : '2');
        }
        await untilLeft(app.socket('b'));
      });
      assertNothingLost(report, nginx);
      assert.deepEqual(Object.keys(report.versions), ['1', '2']);
      await assertAnswersAlone('1', nginx);
    });

  it('graceful restart --all replaces both backends and loses no request', async () => {
    await using app = await createAppWithTwoVersions({ APP_SLOW_SHARE: '0.05' });
    await using nginx = await startNginx({ config: 'plain', socketPath: app.link });
    const before = app.processes();
    const report = await underLoad(nginx, async () => {
      app.deploy('3');
      const run = await app.succeed('restart', '--all');
      assert.deepEqual(run.outcome?.operation === 'restart' && run.outcome.restarted, ['a', 'b']);
      assert.deepEqual(eventsOf(run, 'connections-cut'), []);
      assert.equal(app.processes().length, 2);
      assert.deepEqual(
        app.processes().filter((pid) => before.includes(pid)),
        [],
      );
    });
    assertNothingLost(report, nginx);
    assert.deepEqual(Object.keys(report.versions), ['2', '3']);
  });

  it('graceful stop --all lets the requests finish that are under way; those that come later are refused with a 502', async () => {
    await using app = await createAppWithTwoVersions({ APP_SLOW_MS: '6000' });
    await using nginx = await startNginx({ config: 'plain', socketPath: app.link });
    const underWay = await sendSlowRequests(nginx, app, 8);
    const load = startLoad({ port: nginx.port });
    await load.flowing;
    const run = await app.succeed('stop', '--all');
    const report = await load.stop();

    assert.deepEqual(await Promise.all(underWay), Array(8).fill('200 order'));
    assert.deepEqual(eventsOf(run, 'connections-cut'), []);
    assert.deepEqual(app.processes(), []);
    const { non2xx } = report.failures;
    assert.ok(non2xx > 0);
    assert.deepEqual(report.failures, { ...NO_FAILURES, non2xx }, report.examples.join('\n'));
    assert.deepEqual(report.statuses, { 200: report.requests - non2xx, 502: non2xx });
    // As nginx sees it: no such link. Anything else would be a connection that was made, and broken.
    const complaints = nginx.errorLog().split('\n').filter(Boolean);
    const linkGone = new RegExp(`connect\\(\\) to unix:${app.link} failed \\(2: No such file or directory\\)`);
    assert.deepEqual(complaints.filter((line) => !linkGone.test(line)).slice(0, 5), []);
    assert.equal(complaints.length, non2xx);
  });
});

/** Requests that take their time, all of which the backend has by now: nobody else is connected. What they resolve with is status and body. */
async function sendSlowRequests(nginx: Nginx, app: TestApp, count: number): Promise<readonly Promise<string>[]> {
  const answers = Array.from({ length: count }, async () => {
    const response = await fetch(`http://127.0.0.1:${nginx.port}/slow`, { method: 'POST', body: 'order' });
    return `${response.status} ${await response.text()}`;
  });
  await until('all of them have been sent', async () => (await connectionsTo(app.socket('b'))) >= count);
  return answers;
}
