// Two hundred graceful processes on one state dir, of all kinds, killed and suspended at any moment.
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTestApp, type Run, type RunningCommand } from '../../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { watch } from '../kit/invariants.ts';
import { randomFrom } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';
import { turnstileHooks } from '../kit/turnstile.ts';

const KINDS = [
  ['update'],
  ['switch'],
  ['start', '--all'],
  ['restart', 'b'],
  ['stop', '--inactive'],
  ['keepalive'],
  ['status'],
  ['update', '--stop-old'],
];
const WAIT_MS = 8_000;
/** A command's own work, on a machine with so many of them. */
const WORK_MS = 60_000;

interface Crowd {
  readonly host: 'one-shot' | 'supervised';
  readonly commands: number;
  readonly atOnce: number;
  /** Of ten commands, so many are killed, and so many suspended for a while. */
  readonly killed: number;
  readonly suspended: number;
}

export function* commandCases(form: Form): Iterable<Case> {
  const crowds: readonly Crowd[] =
    form === 'short'
      ? [
          { host: 'one-shot', commands: 30, atOnce: 10, killed: 3, suspended: 1 },
          { host: 'supervised', commands: 20, atOnce: 10, killed: 3, suspended: 0 },
        ]
      : [
          { host: 'one-shot', commands: 200, atOnce: 25, killed: 0, suspended: 0 },
          { host: 'one-shot', commands: 200, atOnce: 25, killed: 3, suspended: 0 },
          { host: 'one-shot', commands: 200, atOnce: 40, killed: 5, suspended: 2 },
          { host: 'one-shot', commands: 200, atOnce: 200, killed: 2, suspended: 1 },
          { host: 'supervised', commands: 200, atOnce: 40, killed: 3, suspended: 1 },
          { host: 'supervised', commands: 200, atOnce: 40, killed: 0, suspended: 0 },
        ];
  for (const crowd of crowds)
    for (let round = 1; round <= (form === 'short' ? 1 : 2); round += 1) {
      const { host, commands, atOnce, killed, suspended } = crowd;
      yield {
        row: `${host}: commands of all kinds at once, some killed, some suspended`,
        name: `${host}: ${commands} commands, ${atOnce} at once, ${killed} of 10 killed, ${suspended} suspended, round ${round}`,
        tried: ['I1', 'I2', 'I3', 'I4', 'I5', 'I7', 'clear'],
        run: () => manyCommands(crowd, `${round}`),
      };
    }
}

async function manyCommands({ host, commands, atOnce, killed, suspended }: Crowd, name: string): Promise<void> {
  const random = randomFrom(`commands ${host} ${commands} ${atOnce} ${killed} ${name}`);
  await using app = await createTestApp({ config: { schedule: NO_SCHEDULE }, env: { APP_ON_SIGTERM: 'exit' } });
  app.configure({ hooks: turnstileHooks(app.dir) });
  await using _supervisor = host === 'supervised' ? await supervise(app) : null;
  await app.succeed('start');
  await using witness = await watch(app, { clients: 2, pauseMs: 20 });
  const told: Run['events'][number][] = [];

  let next = 0;
  const client = async (): Promise<void> => {
    while (next < commands) {
      next += 1;
      const kind = KINDS[Math.floor(random() * KINDS.length)] ?? [];
      const waits = !['keepalive', 'status'].includes(kind[0] ?? '') && kind[1] !== '--inactive';
      const fate = random() * 10;
      const moment = random() * 3_000;
      const startedAt = performance.now();
      const running = app.spawnGraceful([...kind, '--json', ...(waits ? ['--wait', `${WAIT_MS}ms`] : [])]);
      const deed = befall(running, fate, moment);
      const run = await ended(running);
      await deed;
      told.push(...run.events);
      if (run.signal === 'SIGKILL') continue;
      assertClear(run);
      assert.ok(
        [0, 1, 3, 4].includes(run.code ?? -1),
        `\`${kind.join(' ')}\`: ${run.code}\n${run.stdout}${run.stderr}`,
      );
      if (run.failure?.code === 'busy')
        assert.ok(
          run.failure.details.waitedMs < WAIT_MS + 10_000,
          `clear: \`${kind.join(' ')}\` waited ${run.failure.details.waitedMs} ms with --wait ${WAIT_MS}`,
        );
      const ms = performance.now() - startedAt;
      assert.ok(ms < WORK_MS + 3 * WAIT_MS, `clear: \`${kind.join(' ')}\` took ${ms} ms`);
    }
  };
  const befall = async (running: RunningCommand, fate: number, moment: number): Promise<void> => {
    if (fate >= killed + suspended) return;
    await Promise.race([sleep(moment), running.finished]);
    if (fate < killed) running.process.kill('SIGKILL');
    else {
      running.process.kill('SIGSTOP');
      await sleep(500);
      running.process.kill('SIGCONT');
    }
  };
  await Promise.all(Array.from({ length: atOnce }, client));
  // Killed ones may have left a hook, or half a restart.
  await app.succeed('update');
  await witness.check({ told, again: ['update'] });
  await app.succeed('stop', '--all');
  await until('I7: all have gone', () => app.processes().length === 0);
}

const HANG_MS = 120_000;

async function ended({ process: child, finished }: RunningCommand): Promise<Run> {
  let hung = false;
  const patience = setTimeout(() => {
    hung = true;
    child.kill('SIGKILL');
  }, HANG_MS);
  const run = await finished;
  clearTimeout(patience);
  assert.ok(!hung, `clear: deadlock: not over after ${HANG_MS} ms\n${run.stdout}${run.stderr}`);
  return run;
}
