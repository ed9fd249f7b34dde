// What a supervisor hears of its backends after their start, and so does the one that takes over from it.
import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { inRepo } from '../rig/paths.ts';
import { createTestApp } from '../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

it('a supervisor listens to a backend as long as that lives, also to one that it adopted; STOPPING=1 is the end of its traffic', {
  timeout: 600_000,
}, async () => {
  await using app = await createTestApp({
    app: inRepo('test/apps/fixtures/notifies.py'),
    config: { health: { type: 'notify', interval: '10ms', failures: 1 }, schedule: NO_SCHEDULE },
  });
  const says = join(app.dir, 'says');
  const say = (line: string): void => appendFileSync(says, `${line}\n`);
  const detail = async () => (await app.status()).slots.find(({ active }) => active)?.health?.detail;
  app.deploy('1', { APP_SAYS: says });
  say('READY=1');
  await using first = await supervise(app);
  await first.begun;
  say('STATUS=serving');
  await until('what it says is shown', async () => (await detail())?.startsWith('notify: ready, serving'));
  const pid = app.pid('a');

  const { code } = await first.kill('SIGUSR2');
  assert.equal(code, 0, 'a socket that is listened to keeps no supervisor');
  await using second = await supervise(app);
  await second.begun;
  say('STATUS=serving others');
  await until('it is heard again', async () => (await detail())?.startsWith('notify: ready, serving others'));
  assert.equal(app.pid('a'), pid);

  say('STOPPING=1\\nSTATUS=out of memory');
  await until('it is believed', async () => (await detail()) === 'notify: it is stopping, out of memory');
  app.deploy('2', { APP_SAYS: `${says}-2` });
  appendFileSync(`${says}-2`, 'READY=1\n');
  await app.succeed('keepalive');
  assert.equal(app.active(), 'b');
});
