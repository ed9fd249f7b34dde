// The one piece of code that checks I1 to I7 after every case. `watch` before the deed starts clients and strangers;
// `check` after it looks at what is left, gives the same command again, and looks once more.
import assert from 'node:assert/strict';
import type { GracefulEvent } from '../../../src/core/events.ts';
import { SLOTS } from '../../../src/core/slot.ts';
import { knockAt } from '../../../src/system/knock.ts';
import { environmentOf } from '../../rig/processes.ts';
import type { Run, TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from './clear.ts';
import { type Lost, post, startClients } from './client.ts';
import { assertNothingLost, type Excuse } from './excuses.ts';
import { assertWhole, desiredOf, lives, recordOf, strayFiles } from './state-files.ts';
import { startStrangers } from './strangers.ts';
import { assertNoCollision } from './turnstile.ts';

export type { InvariantName } from './suite.ts';

/** What the case did, and so what may have been lost by it. */
export interface Deed {
  /** What may have been lost, why, and when. Without an excuse nothing may. */
  readonly excuses?: readonly Excuse[];
  /** The same for the whole of the case, where its moment is not known: why requests may have been lost. */
  readonly mayLose?: string;
  /** The same, where no request that was taken may be lost: 'the app was taken down'. */
  readonly mayRefuse?: string;
  /** What was told meanwhile: a deadline that cut connections is an excuse only if it is in the events. */
  readonly told?: readonly GracefulEvent[];
  /** What is put back before the command is given again: a new supervisor for one that was killed. */
  readonly revive?: () => Promise<unknown>;
  /** The same command, which must converge (I5). Without it nothing is run again. */
  readonly again?: readonly string[];
  /** Exit codes that `again` may have; 0 unless said otherwise. */
  readonly againMay?: readonly number[];
  /** What the app must be in the end; `up` unless said otherwise. */
  readonly desired?: 'up' | 'down';
  /** False where a temp file or a lock may be left at the end, since nothing took the lock after the deed. */
  readonly tidy?: boolean;
  /** False where the same command has to bring up what is down; else `keepalive` is given first, and has to. */
  readonly keepaliveFirst?: boolean;
}

export interface Witness extends AsyncDisposable {
  readonly strangers: readonly number[];
  readonly lost: readonly Lost[];
  /** @throws with the letter of the first invariant that does not hold. */
  check(deed?: Deed): Promise<Run | null>;
}

export interface WatchOptions {
  /** How many clients; 0 where a case is about something else. */
  readonly clients?: number;
  readonly pauseMs?: number;
  /** More clients, whose requests take half a second each: something to drain. */
  readonly slow?: number;
}

export async function watch(
  app: TestApp,
  { clients: count = 2, pauseMs = 5, slow = 0 }: WatchOptions = {},
): Promise<Witness> {
  const strangers = startStrangers(app.dir);
  const clients = startClients(app.link, { count, pauseMs, slow });
  const serves = (await knockAt(app.link)) === 'answered';
  if (serves && count > 0) await until('the clients are served', () => clients.answered() >= count + slow);

  return {
    strangers: strangers.pids,
    lost: clients.lost,
    async check(deed = {}) {
      const { again, desired = 'up' } = deed;
      strangers.assertAlive();
      assertWhole(app);
      assert.deepEqual(strayFiles(app, false), [], 'I7: stray files');
      if (excusesOf(deed).length === 0) await assertLinkLeads(app);
      await untilNoneIsUnknown(app);

      await deed.revive?.();
      if (deed.keepaliveFirst ?? true) await assertKeptAlive(app);
      const run = again === undefined ? null : await app.graceful(...again);
      if (run !== null) {
        assertClear(run);
        const wanted = deed.againMay ?? [0];
        assert.ok(
          wanted.includes(run.code ?? -1),
          `I5: \`${again?.join(' ')}\` again ended with ${run.code}\n${run.stdout}${run.stderr}`,
        );
      }
      await assertConverged(app, desired, run !== null && (deed.tidy ?? true));
      await clients.end();
      strangers.assertAlive();
      assertNoCollision(app.dir);
      assertNothingLost(clients, excusesOf(deed), [...(deed.told ?? []), ...(run?.events ?? [])]);
      return run;
    },
    async [Symbol.asyncDispose]() {
      await clients.end();
      strangers[Symbol.dispose]();
    },
  };
}

/** I1. A backend counts once it has passed its gate, and until it is told to stop. */
export async function assertLinkLeads(app: TestApp): Promise<void> {
  const ready = SLOTS.filter((slot) => {
    const record = recordOf(app, slot);
    return record !== null && record.readyAt !== null && record.stoppingAt === null && lives(record);
  });
  if (ready.length === 0 || desiredOf(app) === 'down') return;
  const knock = await knockAt(app.link);
  assert.equal(knock, 'answered', `I1: ready and alive: ${ready.join(', ')}; and the link leads nowhere`);
}

/** A shell that waited for its `go` when graceful was killed ends by itself. */
export const untilNoneIsUnknown = (app: TestApp): Promise<unknown> =>
  until('I7: no backend that nobody knows of', () => unknownProcesses(app, true).length === 0);

/** Live processes of the app that belong to no recorded backend. A hook that a killed graceful left is ended by the next one. */
function unknownProcesses(app: TestApp, mayBeHook: boolean): readonly number[] {
  const known = SLOTS.map((slot) => recordOf(app, slot)?.instance);
  return app.processes().filter((pid) => {
    const { GRACEFUL_INSTANCE: instance, GRACEFUL_HOOK: hook } = environmentOf(pid);
    if (instance === undefined || (mayBeHook && hook !== undefined)) return false; // it has just exited; or is a hook
    return !known.includes(instance);
  });
}

/** What is wanted up and was left down comes up by what cron does: one call, unless somebody else is at it. */
export async function assertKeptAlive(app: TestApp): Promise<void> {
  if (desiredOf(app) === 'down' || (await knockAt(app.link)) === 'answered') return;
  await until('I5: who was at it when keepalive came has brought up the app', async () => {
    const run = await app.graceful('keepalive');
    assertClear(run);
    assert.equal(run.code, 0, `I5: keepalive ended with ${run.code}\n${run.stdout}${run.stderr}`);
    const finding = await post(app.link, 'kept alive?');
    const isBusy = run.outcome?.operation === 'keepalive' && run.outcome.action === 'busy';
    assert.ok(finding === null || isBusy, `I5: keepalive left it down: ${finding?.error}\n${run.stdout}`);
    return finding === null;
  });
}

async function assertConverged(app: TestApp, desired: 'up' | 'down', tidy: boolean): Promise<void> {
  assertWhole(app);
  assert.equal(desiredOf(app), desired, 'I6: desired');
  if (desired === 'up') {
    const finding = await post(app.link, 'after all');
    assert.equal(finding, null, `I1: nothing serves in the end: ${finding?.error}`);
    await until('I7: no process but two backends', () => unknownProcesses(app, false).length === 0);
  } else {
    assert.notEqual(await knockAt(app.link), 'answered', 'I6: stopped, and yet somebody answers at the link');
    await until('I6: stopped, and nothing runs', () => app.processes().length === 0);
  }
  assert.deepEqual(strayFiles(app, tidy), [], 'I7: stray files in the end');
}

const excusesOf = ({ excuses = [], mayLose, mayRefuse }: Deed): readonly Excuse[] => {
  const whole = { since: Number.NEGATIVE_INFINITY, until: Number.POSITIVE_INFINITY };
  return [
    ...excuses,
    ...(mayLose === undefined ? [] : [{ ...whole, why: mayLose, covers: 'all' } as const]),
    ...(mayRefuse === undefined ? [] : [{ ...whole, why: mayRefuse, covers: 'connects' } as const]),
  ];
};
