// What goes wrong: a broken new version, a killed manager, a killed backend. By a load with a fixed rate.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { processesWith } from '../../rig/processes.ts';
import { until } from '../../rig/until.ts';
import { outage, startSteadyProbe } from '../load/steady-probe.ts';
import { monotonicMs } from '../load/timed-load.ts';
import { type Broken, createWorkplace, get, type Peer, signal, untilServed, type Workplace } from '../peers/peer.ts';
import { round } from './figures.ts';

export interface BrokenResult {
  readonly code: number | string | null;
  readonly commandMs: number;
  readonly message: string;
  readonly sent: number;
  readonly lost: number;
  /** When all is over. */
  readonly serves: 'the old version' | 'the broken version' | 'nobody';
  /** Whether a good version can be brought out afterwards by the same command. */
  readonly nextDeploy: boolean;
}

const WATCHED_MS = 2_500;
/** Server::Starter takes no command in its first second. */
const SETTLE_MS = 1_500;

export async function measureBroken(peer: Peer, broken: Broken): Promise<BrokenResult> {
  await using place = await createWorkplace('close', 'fast');
  place.release(1);
  await using running = await peer.start(place);
  await untilServed(running.port, 1);
  await sleep(SETTLE_MS);
  const probe = startSteadyProbe(running.port);
  await sleep(300);
  place.release(2, broken);
  const from = monotonicMs();
  const command = await running.deploy();
  await sleep(Math.max(1_000, WATCHED_MS - command.ms));
  const answer = await get({ port: running.port }).catch(() => null);
  const probes = await probe.stop();
  place.release(3);
  await running.deploy();
  const nextDeploy = await untilServed(running.port, 3, 8_000).then(
    () => true,
    () => false,
  );
  const { sent, lost } = outage(probes, from);
  return {
    code: command.code,
    commandMs: round(command.ms),
    message: messageOf(command.output),
    sent,
    lost,
    serves:
      answer?.version === 1 && answer.status === 200
        ? 'the old version'
        : answer?.version === 2
          ? 'the broken version'
          : 'nobody',
    nextDeploy,
  };
}

/** The line that says what is wrong; without colours and paths of this run. */
function messageOf(output: string): string {
  const lines = stripVTControlCharacters(output)
    .replace(/\/tmp\/gr-\w+/g, '…')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^[│┌└├─┐┘┤]/.test(line));
  return (
    lines.find((line) => /error|fail|exited|not healthy|not ready|abnormal/i.test(line)) ??
    lines.at(-1) ??
    ''
  ).slice(0, 160);
}

export interface KilledManagerResult {
  /** In two seconds without a manager. */
  readonly lostWithout: number;
  /** While it is started again, and two seconds more. */
  readonly lostAtRestart: number;
  readonly sent: number;
  readonly recoveryMs: number | null;
  readonly restarted: boolean;
  readonly nextDeploy: boolean;
  /** App processes that nobody manages any more, after the next deploy. */
  readonly strays: number;
}

export async function measureKilledManager(peer: Peer): Promise<KilledManagerResult | null> {
  await using place = await createWorkplace('close', 'fast');
  place.release(1);
  await using running = await peer.start(place);
  await untilServed(running.port, 1);
  await sleep(SETTLE_MS);
  const [manager] = running.managers();
  if (manager === undefined || running.restartManager === undefined) return null;
  const before = appProcesses(place).length;
  const probe = startSteadyProbe(running.port);
  await sleep(300);
  const killedAt = monotonicMs();
  signal(manager, 'SIGKILL');
  await sleep(2_000);
  const restartAt = monotonicMs();
  const restarted = await running.restartManager().then(
    () => true,
    () => false,
  );
  await sleep(2_000);
  const probes = await probe.stop();
  place.release(2);
  await running.deploy().catch(() => undefined);
  const nextDeploy = await untilServed(running.port, 2, 8_000).then(
    () => true,
    () => false,
  );
  await sleep(1_500);
  const without = outage(probes, killedAt, restartAt);
  const later = outage(probes, restartAt);
  const whole = outage(probes, killedAt);
  return {
    lostWithout: without.lost,
    lostAtRestart: later.lost,
    sent: whole.sent,
    recoveryMs: whole.recoveryMs === null ? null : round(whole.recoveryMs),
    restarted,
    nextDeploy,
    // graceful keeps the old version warm in the other slot: that one is managed.
    strays: Math.max(0, appProcesses(place).length - before - (peer.ours ? 1 : 0)),
  };
}

export interface KilledBackendResult {
  readonly sent: number;
  readonly lost: number;
  readonly recoveryMs: number | null;
  /** Of what a person or cron calls, where nobody watches. */
  readonly healMs: number | null;
  readonly serves: number | null;
}

/** `warm`: right after a deploy, when graceful still has the old version; `alone`: later. */
export async function measureKilledBackend(peer: Peer, when: 'warm' | 'alone'): Promise<KilledBackendResult> {
  await using place = await createWorkplace('close', 'fast');
  place.release(1);
  await using running = await peer.start(place);
  await untilServed(running.port, 1);
  await sleep(SETTLE_MS);
  place.release(2);
  await running.deploy();
  await untilServed(running.port, 2);
  if (when === 'alone') await running.stopOld?.();
  // Its own manager may still be at work after its command has returned.
  await sleep(1_500);
  const probe = startSteadyProbe(running.port);
  await sleep(300);
  const { pid } = await until('an answer', () => get({ port: running.port }).catch(() => null));
  const killedAt = monotonicMs();
  signal(pid, 'SIGKILL');
  const heal = running.heal === undefined ? null : await running.heal();
  await Promise.race([
    sleep(5_000),
    until('it serves again', async () => (await get({ port: running.port }).catch(() => null))?.status === 200, 5_000),
  ]).catch(() => undefined);
  await sleep(1_000);
  const probes = await probe.stop();
  const { sent, lost, recoveryMs } = outage(probes, killedAt);
  const answer = await get({ port: running.port }).catch(() => null);
  return {
    sent,
    lost,
    recoveryMs: recoveryMs === null ? null : round(recoveryMs),
    healMs: heal === null ? null : round(heal.ms),
    serves: answer?.status === 200 ? answer.version : null,
  };
}

const appProcesses = (place: Workplace): readonly number[] =>
  processesWith('BENCH_DIR', place.dir).filter((pid) => /bench-app\.mjs|bench_wsgi/.test(commandLine(pid)));

function commandLine(pid: number): string {
  try {
    // pm2's workers call themselves by the app's path; managers have it among their arguments.
    const line = readFileSync(`/proc/${pid}/cmdline`, 'latin1');
    return /start_server|supervisord/.test(line) ? '' : line;
  } catch {
    return ''; // gone
  }
}
