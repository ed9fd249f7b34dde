// Several workers: how much they get done, how evenly, and what is lost when one of them is killed.
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../../rig/load.ts';
import { failed, type LoadReport } from '../../rig/load-report.ts';
import { until } from '../../rig/until.ts';
import type { Crew } from '../peers/crews.ts';
import { createWorkplace, get, signal } from '../peers/peer.ts';
import { round } from './figures.ts';

export interface WorkersResult {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  /** Of all requests, in percent: of the worker that had the fewest, and of the one that had the most. */
  readonly leastShare: number;
  readonly mostShare: number;
  /** With one of them killed in the middle of the load. */
  readonly killed: { readonly requests: number; readonly lost: number; readonly backMs: number | null };
}

/** Enough that no worker waits for work. */
const CONNECTIONS = 32;
const REPLACED_WITHIN_MS = 8_000;

export async function measureWorkers(crew: Crew, workers: number, seconds: number): Promise<WorkersResult> {
  await using place = await createWorkplace('close', 'fast');
  place.release(1);
  await using running = await crew.start(place, workers);
  const { port } = running;
  await until(`${workers} workers answer`, async () => (await pidsAt(port)).size === workers);
  const load = (durationMs: number) => startLoad({ port, connections: CONNECTIONS, durationMs });
  await load(1_000).finished; // every worker's code is compiled by then
  const report = await load(seconds * 1_000).finished;
  if (failed(report) > 0) throw new Error(`${failed(report)} requests lost without any disturbance`);
  return {
    perSecond: round((report.succeeded / report.durationMs) * 1_000),
    p50: round(report.latencyMs.p50, 2),
    p99: round(report.latencyMs.p99, 2),
    ...sharesOf(report, workers),
    killed: await withOneKilled(port, workers, seconds),
  };
}

function sharesOf({ versions }: LoadReport, workers: number): Pick<WorkersResult, 'leastShare' | 'mostShare'> {
  const counts = Object.values(versions);
  const all = counts.reduce((sum, count) => sum + count, 0);
  const share = (count: number): number => round((count / all) * 100);
  return {
    leastShare: counts.length < workers ? 0 : share(Math.min(...counts)),
    mostShare: share(Math.max(...counts)),
  };
}

async function withOneKilled(port: number, workers: number, seconds: number): Promise<WorkersResult['killed']> {
  const before = await pidsAt(port);
  const [victim] = before;
  if (victim === undefined) throw new Error('nobody answers');
  const load = startLoad({ port, connections: CONNECTIONS });
  await load.flowing;
  await sleep(seconds * 250);
  signal(victim, 'SIGKILL');
  const at = performance.now();
  const back = await until(
    'a new worker answers',
    async () => [...(await pidsAt(port, workers))].some((pid) => !before.has(pid)),
    REPLACED_WITHIN_MS,
  ).then(
    () => round(performance.now() - at),
    () => null,
  );
  await sleep(500);
  const report = await load.stop();
  return { requests: report.requests, lost: failed(report), backMs: back };
}

/** Who answers at the moment. */
async function pidsAt(port: number, times = 40): Promise<ReadonlySet<number>> {
  const answers = await Promise.allSettled(Array.from({ length: times }, () => get({ port })));
  return new Set(answers.flatMap((answer) => (answer.status === 'fulfilled' ? [answer.value.pid] : [])));
}
