// A backend that dies is noticed at once, and replaced for as long as it takes.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { readyForMs } from '../../src/hosts/supervisor/loss.ts';
import { attemptsThatCount, respawnDelayMs } from '../../src/hosts/supervisor/respawn.ts';
import { startedMsAgo } from '../../src/system/processes/age.ts';
import { identify } from '../../src/system/processes/identity.ts';
import { runs } from '../rig/processes.ts';
import { createTestApp, type TestApp } from '../rig/test-app.ts';
import {
  KEEPALIVE_EVERY_SECOND,
  NO_SCHEDULE,
  supervise,
  type TestSupervisor,
  untilServed,
} from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

type Backends = 'its own children' | 'adopted backends';

/** An app with both slots ready and b active. */
async function withStandby(backends: Backends): Promise<{ app: TestApp; supervisor: TestSupervisor }> {
  const app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
  if (backends === 'its own children') {
    const supervisor = await supervise(app);
    await app.succeed('update');
    return { app, supervisor };
  }
  await app.succeed('update');
  await app.succeed('update');
  return { app, supervisor: await supervise(app) };
}

function killBackend(pid: number | null): number {
  assert.ok(pid !== null && runs(pid));
  process.kill(pid, 'SIGKILL');
  return Date.now();
}

const sinceMs = (killedAt: number, { at }: { readonly at: string }): number => Date.parse(at) - killedAt;

describe('recovery', { concurrency: 3 }, () => {
  describe('a backend that dies', { concurrency: 2 }, () => {
    for (const backends of ['its own children', 'adopted backends'] as const) {
      it(`is noticed without a clock, and traffic moves to the ready slot (${backends})`, async (t) => {
        const { app, supervisor } = await withStandby(backends);
        await using _app = app;
        await using _supervisor = supervisor;
        const [active, other] = app.active() === 'a' ? (['a', 'b'] as const) : (['b', 'a'] as const);
        const survivor = app.pid(other);
        const since = supervisor.mark();

        const killedAt = killBackend(app.pid(active));
        const died = await supervisor.event('backend-died', undefined, since);
        const switched = await supervisor.event('traffic-switched', undefined, since);
        t.diagnostic(
          `${backends}: noticed after ${sinceMs(killedAt, died)} ms, link moved after ${sinceMs(killedAt, switched)} ms`,
        );
        assert.equal(died.slot, active);
        assert.equal(died.signal, backends === 'its own children' ? 'SIGKILL' : null);
        // How soon is in the diagnostic; test:whole asks for it under load.
        assert.equal(
          supervisor.events.slice(since).findIndex(({ type }) => type === 'retry-scheduled'),
          -1,
          'no pause',
        );
        assert.equal(app.active(), other);
        assert.equal((await app.get('/')).status, 200);
        assert.equal(app.pid(other), survivor, 'the standby took over as it was');
        await supervisor.event('operation-completed', ({ operation }) => operation === 'keepalive', since);
      });

      it(`is replaced by a new one where no other slot is ready (${backends})`, async () => {
        await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
        if (backends === 'adopted backends') await app.succeed('update');
        await using supervisor = await supervise(app);
        assert.equal(app.active(), 'a');
        const since = supervisor.mark();
        killBackend(app.pid('a'));
        await supervisor.event('backend-died', ({ slot }) => slot === 'a', since);
        await supervisor.event('traffic-switched', ({ to }) => to === 'b', since);
        assert.equal((await app.get('/')).status, 200);
        assert.deepEqual(app.processes(), [app.pid('b')]);
      });

      it(`changes nothing in the slot that is not active (${backends})`, async () => {
        const { app, supervisor } = await withStandby(backends);
        await using _app = app;
        await using _supervisor = supervisor;
        const active = app.active() ?? assert.fail();
        const other = active === 'a' ? 'b' : 'a';
        const link = app.linkIdentity();
        const since = supervisor.mark();
        killBackend(app.pid(other));
        await supervisor.event('backend-died', undefined, since);
        assert.equal(app.linkIdentity(), link);
        // It counts for nothing: the death of the active one is still the first, and answered without a pause.
        killBackend(app.pid(active));
        await supervisor.event('backend-died', ({ slot }) => slot === active, since);
        await supervisor.event('switch-verified', ({ slot }) => slot === other, since);
        const told = supervisor.events.slice(since).map(({ type }) => type);
        assert.equal(told.filter((type) => type === 'operation-started').length, 1, told.join(' '));
        assert.equal(told.includes('retry-scheduled'), false, told.join(' '));
      });
    }

    it('is replaced without a word from the schedule, again and again', async () => {
      await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
      await using supervisor = await supervise(app);
      for (let death = 1; death <= 3; death += 1) {
        const since = supervisor.mark();
        const active = app.active() ?? assert.fail();
        killBackend(app.pid(active));
        await supervisor.event('switch-verified', ({ slot }) => slot !== active, since);
        // As if it had been ready for long, so that no pause is due: the count begins anew.
        pretendReadyFor(app, 120_000);
      }
      assert.deepEqual(
        supervisor.events.filter(({ type }) => type === 'retry-scheduled'),
        [],
      );
      assert.equal((await app.get('/')).status, 200);
    });
  });

  /** Sets back the moment at which the active backend was ready against that of its start, where the supervisor looks for both. */
  function pretendReadyFor(app: TestApp, ms: number): void {
    const file = app.file(`${app.name}-${app.active()}.backend.json`);
    const record = JSON.parse(readFileSync(file, 'utf8')) as { readonly startedAt: string };
    const readyAt = new Date(Date.parse(record.startedAt) - ms).toISOString();
    writeFileSync(file, JSON.stringify({ ...record, readyAt }));
  }

  describe('backends that keep dying', { concurrency: 2 }, () => {
    it('are tried again after a pause that grows, which status and events show, and which ends when one lives', async () => {
      await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
      await using supervisor = await supervise(app);
      app.deploy('2', { APP_BROKEN: 'exits' });
      const since = supervisor.mark();
      killBackend(app.pid('a'));
      const first = await supervisor.event('retry-scheduled', undefined, since);
      assert.match(first.reason, /exited with code 3/);
      // Between two pauses it is at work, and a slow status may find it so.
      const shown = await until('status shows the retry', async () => {
        const { supervisor: asked } = await app.status();
        assert.equal(asked?.pid, supervisor.pid);
        return asked?.retry;
      });
      const told = await supervisor.event('retry-scheduled', ({ attempts }) => attempts === shown.attempts, since);
      assert.equal(shown.reason, told.reason);
      // It is counted from a moment before the event is stamped.
      const early = Date.parse(told.at) + told.delayMs - Date.parse(shown.nextTryAt);
      assert.ok(early >= 0 && early < 500, `${early} ms`);

      const second = await supervisor.event('retry-scheduled', ({ attempts }) => attempts > first.attempts, since);
      assert.ok(
        second.delayMs > first.delayMs / 2 && second.delayMs >= 1_000,
        `${first.delayMs} then ${second.delayMs}`,
      );
      app.deploy('3');
      await untilServed(app, '3');
      await until('no retry is due', async () => (await app.status()).supervisor?.retry === null);
    });

    it('are not waited for any longer when an operator has repaired the app by hand', async () => {
      await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
      await using supervisor = await supervise(app);
      app.deploy('2', { APP_BROKEN: 'exits' });
      killBackend(app.pid('a'));
      await supervisor.event('retry-scheduled');
      app.deploy('3');
      await app.succeed('update');
      await until('no retry is due', async () => (await app.status()).supervisor?.retry === null);
      assert.equal((await app.get('/')).version, '3');
    });

    it('are left alone when an operator has taken the app down', async () => {
      await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
      await using supervisor = await supervise(app);
      app.deploy('2', { APP_BROKEN: 'exits' });
      killBackend(app.pid('a'));
      await supervisor.event('retry-scheduled');
      await app.succeed('stop', '--all');
      await until('no retry is due', async () => (await app.status()).supervisor?.retry === null);
      assert.deepEqual(app.processes(), []);
    });
  });

  it('a supervisor starts although its app cannot, says why, and goes on trying', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE }, env: { APP_BROKEN: 'exits' } });
    await using supervisor = await supervise(app);
    const failed = await supervisor.event('operation-failed');
    assert.equal(failed.code, 'backend-exited');
    const { delayMs } = await supervisor.event('retry-scheduled');
    assert.ok(delayMs >= 500 && delayMs <= 1_000);
    app.deploy('2', { APP_BROKEN: '' });
    await untilServed(app, '2');
  });

  describe('the pause before the next attempt', () => {
    const WHOLE = [0, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000];
    it('is none, then 1 s doubled each time up to 60 s', () => {
      assert.deepEqual(
        WHOLE.map((_, attempts) => respawnDelayMs(attempts, () => 0)),
        WHOLE,
      );
      assert.equal(
        respawnDelayMs(5_000, () => 0),
        60_000,
      );
    });

    it('is up to half of that shorter, by chance', () => {
      assert.deepEqual(
        WHOLE.map((_, attempts) => respawnDelayMs(attempts, () => 0.5)),
        WHOLE.map((ms) => ms * 0.75),
      );
      for (let sample = 0; sample < 1_000; sample += 1) {
        const ms = respawnDelayMs(7);
        assert.ok(ms >= 30_000 && ms <= 60_000);
      }
    });

    it('begins anew for a backend that has been ready for a minute, and only then', () => {
      assert.deepEqual(
        [attemptsThatCount(5, 60_001), attemptsThatCount(5, 60_000), attemptsThatCount(5, 0)],
        [0, 5, 5],
      );
    });

    it('counts that minute by the kernel: a clock that has jumped by hours since changes nothing', () => {
      const { startTicks } = identify(process.pid) ?? assert.fail();
      const runsForMs = startedMsAgo({ startTicks });
      for (const hours of [-5, 0, 5]) {
        const startedAt = new Date(Date.now() + hours * 3_600_000 - runsForMs);
        const readyAt = new Date(startedAt.getTime() + 300);
        const ms = readyForMs({ startTicks, startedAt: startedAt.toISOString(), readyAt: readyAt.toISOString() });
        assert.ok(Math.abs(ms - (runsForMs - 300)) < 250, `${hours} hours: ready for ${ms} of ${runsForMs} ms`);
      }
      assert.equal(readyForMs({ startTicks, startedAt: new Date(0).toISOString(), readyAt: null }), 0);
    });
  });

  describe('the schedule, which may count in seconds,', { concurrency: 2 }, () => {
    it('replaces a backend that hangs', async () => {
      await using app = await createTestApp({
        config: {
          schedule: KEEPALIVE_EVERY_SECOND,
          stopTimeout: '200ms',
          health: { type: 'http', path: '/healthz', interval: '20ms', timeout: '1s', failures: 2 },
        },
      });
      await using supervisor = await supervise(app);
      const hung = app.pid('a') ?? assert.fail();
      const since = supervisor.mark();
      await app.post('/hang');
      const { failures } = await supervisor.event('health-failed', ({ failures }) => failures === 2, since);
      assert.equal(failures, 2);
      await supervisor.event('switch-verified', ({ slot }) => slot === 'b', since);
      assert.equal((await app.get('/')).status, 200);
      assert.notEqual(app.pid('b'), hung);
    });

    it('outlives a link that is none any more, says so on SIGHUP, and goes on when that has gone', async () => {
      await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
      await using supervisor = await supervise(app);
      rmSync(app.link);
      mkdirSync(app.link);
      const since = supervisor.mark();
      supervisor.process.kill('SIGHUP');
      const { code } = await supervisor.event('operation-failed', ({ operation }) => operation === 'update', since);
      assert.equal(code, 'link-not-ours');
      rmdirSync(app.link);
      await app.succeed('update');
      assert.equal((await app.get('/')).status, 200);
    });

    it('leaves an app down that was stopped on purpose', async () => {
      await using app = await createTestApp({ config: { schedule: KEEPALIVE_EVERY_SECOND } });
      await using supervisor = await supervise(app);
      await app.succeed('stop', '--all');
      const since = supervisor.mark();
      const ticks = () =>
        supervisor.events
          .slice(since)
          .filter((event) => event.type === 'operation-completed' && event.operation === 'keepalive');
      await until('two ticks have passed', () => ticks().length >= 2);
      assert.deepEqual(app.processes(), []);
      assert.equal((await app.status()).desired, 'down');
      assert.equal(
        supervisor.events.some(({ type }) => type === 'backend-died'),
        false,
      );
    });
  });
});
