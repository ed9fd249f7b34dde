// A list of health checks: a round passes when all of them do, and rounds are what is counted.
import assert from 'node:assert/strict';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { assertExit, eventsOf, failureOf, type TestApp } from '../rig/test-app.ts';

const HTTP = { type: 'http', path: '/healthz', interval: '20ms', timeout: '2s' };
const shell = (script: string) => ({ type: 'exec', command: ['sh', '-c', script], interval: '20ms', timeout: '5s' });

/** Fails in the rounds whose number matches; each is a line in the file. */
const counting = (app: TestApp, fails: string) =>
  shell(
    `n=$(($(cat ${app.dir}/rounds 2>/dev/null | wc -l) + 1)); echo >>${app.dir}/rounds; case $n in ${fails}) exit 1; esac`,
  );
const rounds = (app: TestApp): number =>
  existsSync(join(app.dir, 'rounds')) ? readFileSync(join(app.dir, 'rounds'), 'utf8').length : 0;

onEachHost('a list of health checks', (createApp) => {
  it('passes when all of them do; until then what fails is named, and traffic stays where it is', async () => {
    await using app = await createApp();
    app.configure({
      health: [HTTP, shell(`test -e ${app.dir}/open || { echo not open; exit 7; }`)],
      startTimeout: '10s',
    });
    const refused = await app.graceful('update');
    assertExit(refused, 1);
    assert.equal(failureOf(refused, 'not-ready').details.lastProbe, 'exec: exit 7: not open');
    writeFileSync(join(app.dir, 'open'), '');
    app.configure({ startTimeout: '2m' });
    const run = await app.succeed('update');
    assert.equal(eventsOf(run, 'backend-ready')[0]?.detail, 'http: HTTP 200; exec: exit 0');
    const { active } = await app.status();
    await app.post('/fail-health');
    const { slots } = await app.status();
    const health = slots.find(({ name }) => name === active)?.health;
    assert.deepEqual([health?.ok, health?.detail], [false, 'http: HTTP 503']);
  });

  it('is ready after `successes` rounds in a row, and a failed one in between starts the count anew', async () => {
    await using app = await createApp();
    app.configure({ health: [{ ...HTTP, successes: 3 }, counting(app, '1|4')] });
    assertExit(await app.graceful('start'), 0);
    // 1 fails, 2 and 3 pass, 4 fails; 5, 6 and 7 are three in a row. One more is the probe through the link.
    assert.equal(rounds(app), 9, 'and once before the switch, to see what is ready');
  });

  it('is what the warm-up asks for, each as often as it says', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp();
    await app.succeed('update');
    app.configure({
      health: [
        { ...HTTP, warmup: 2, warmupPath: '/x' },
        { ...counting(app, 'none'), warmup: 3 },
      ],
    });
    const run = await app.succeed('update');
    const [warmed] = eventsOf(run, 'backend-warmed');
    assert.deepEqual([warmed?.requests, warmed?.failed], [5, 0]);
  });
});
