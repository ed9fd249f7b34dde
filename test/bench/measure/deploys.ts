// Deploys under load: what is lost, what it costs in latency, and how long it takes until the new version answers.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failures } from '../../rig/load-report.ts';
import { until } from '../../rig/until.ts';
import { monotonicMs, type TimedAnswer, type TimedReport, underTimedLoad } from '../load/timed-load.ts';
import { type Behaviour, createWorkplace, get, type LoadKind, type Peer, untilServed } from '../peers/peer.ts';
import { type Latency, latencyOf, round, spreadOf } from './figures.ts';

export interface DeploysOptions {
  readonly behaviour: Behaviour;
  readonly load: LoadKind;
  readonly deploys: number;
  readonly seconds: number;
}

export interface DeploysResult {
  readonly deploys: number;
  /** Whose new version answered, and whose command said so. */
  readonly succeeded: number;
  readonly requests: number;
  readonly failures: Failures;
  /** Connections that the proxy closed with no request under way: not lost. */
  readonly closedIdle: number;
  readonly seconds: number;
  readonly steady: Latency | null;
  /** In the same span after each command for all peers, {@link WINDOW_MS}. */
  readonly during: Latency | null;
  /** In the peer's own span: from the command until it has returned and the old version has given its last answer. */
  readonly atWork: Latency | null;
  /** Medians of the deploys of this run. */
  readonly commandMs: number | null;
  readonly firstNewMs: number | null;
  readonly lastOldMs: number | null;
  readonly managerRssMiB: number;
  readonly examples: readonly string[];
}

interface Deploy {
  readonly version: number;
  readonly startedMs: number;
  readonly endedMs: number;
  readonly code: number | string | null;
  readonly output: string;
}

/** The start of a load is not steady yet. */
const WARM_UP_MS = 500;
const STEADY_MS = 3_000;
/** No longer than the deploys of the plan are apart. */
export const WINDOW_MS = 2_300;
const AFTER_MS = 250;
const SERVES_WITHIN_MS = 10_000;

export async function measureDeploys(peer: Peer, options: DeploysOptions): Promise<DeploysResult> {
  await using place = await createWorkplace(options.behaviour, options.load);
  place.release(1);
  await using running = await peer.start(place);
  await untilServed(running.port, 1);
  const deploys: Deploy[] = [];
  const served: boolean[] = [];
  let managerRssMiB = 0;
  const timed = await underTimedLoad(running.port, async () => {
    const startedAt = monotonicMs();
    const quarter = options.seconds * 1_000 < 2 * STEADY_MS;
    const firstAt = quarter ? 1_500 : STEADY_MS;
    const pause = (options.seconds * 1_000 - firstAt) / options.deploys;
    for (let deploy = 0; deploy < options.deploys; deploy += 1) {
      await sleep(Math.max(0, startedAt + firstAt + deploy * pause - monotonicMs()));
      const version = 2 + deploy;
      place.release(version);
      const startedMs = monotonicMs();
      const { code, output } = await running.deploy();
      deploys.push({ version, startedMs, endedMs: monotonicMs(), code, output });
      served.push(await answers(running.port, version));
    }
    managerRssMiB = rssMiB(running.managers());
    await sleep(Math.max(500, startedAt + options.seconds * 1_000 - monotonicMs()));
  });
  return { ...analyse(timed, deploys, served), managerRssMiB: round(managerRssMiB) };
}

/** Asked now and then only, so as not to be part of the load. */
async function answers(port: number, version: number): Promise<boolean> {
  const isNew = async (): Promise<boolean> => (await get({ port }).catch(() => null))?.version === version;
  return until(
    'the new version answers',
    async () => (await isNew()) || (await sleep(100).then(() => false)),
    SERVES_WITHIN_MS,
  ).catch(() => false);
}

type Analysis = Omit<DeploysResult, 'managerRssMiB'>;

function analyse(
  { report, closedIdle, answers: all, errorsMs }: TimedReport,
  deploys: readonly Deploy[],
  served: readonly boolean[],
): Analysis {
  const spans = deploys.map((deploy) => spanOf(deploy, all));
  const first = all[0]?.answeredMs ?? 0;
  const firstDeploy = deploys[0]?.startedMs ?? Number.POSITIVE_INFINITY;
  const within =
    (ofThese: readonly Span[]) =>
    ({ sentMs, answeredMs }: TimedAnswer): boolean =>
      ofThese.some(({ fromMs, toMs }) => answeredMs >= fromMs && sentMs <= toMs);
  const windows = deploys.map(({ startedMs }, index) => ({
    fromMs: startedMs,
    toMs: Math.min(startedMs + WINDOW_MS, deploys[index + 1]?.startedMs ?? Number.POSITIVE_INFINITY),
  }));
  const latencies = (answers: readonly TimedAnswer[]): Latency | null =>
    rounded(latencyOf(answers.map(({ sentMs, answeredMs }) => answeredMs - sentMs)));
  const known = (values: readonly (number | null)[]): number | null => {
    const spread = spreadOf(values.filter((value): value is number => value !== null));
    return spread === null ? null : round(spread.median);
  };
  return {
    deploys: deploys.length,
    succeeded: deploys.filter(({ code }, index) => code === 0 && served[index]).length,
    requests: report.requests,
    failures: report.failures,
    closedIdle,
    seconds: round(report.durationMs / 1000),
    steady: latencies(all.filter(({ sentMs, answeredMs }) => sentMs >= first + WARM_UP_MS && answeredMs < firstDeploy)),
    during: latencies(all.filter(within(windows))),
    atWork: latencies(all.filter(within(spans))),
    commandMs: known(deploys.map(({ startedMs, endedMs }) => endedMs - startedMs)),
    firstNewMs: known(spans.map(({ firstNewMs }) => firstNewMs)),
    lastOldMs: known(spans.map(({ lastOldMs }) => lastOldMs)),
    examples: [
      ...report.examples,
      ...(errorsMs.length > 0
        ? [`${errorsMs.length} errors, the first ${round((errorsMs[0] ?? 0) - first)} ms after the first answer`]
        : []),
      ...deploys
        .filter(({ code }) => code !== 0)
        .map(({ version, code, output }) => `deploy ${version}: exit ${code}: ${output.trim().slice(-200)}`),
    ].slice(0, 8),
  };
}

interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** From the command until it has returned and the old version has given its last answer. */
function spanOf({ version, startedMs, endedMs }: Deploy, all: readonly TimedAnswer[]) {
  const firstNew = all.find((answer) => answer.version === version)?.answeredMs ?? null;
  const lastOld = all.findLast((answer) => answer.version === version - 1)?.answeredMs ?? null;
  return {
    fromMs: startedMs,
    toMs: Math.max(endedMs, firstNew ?? 0, lastOld ?? 0) + AFTER_MS,
    firstNewMs: firstNew === null ? null : firstNew - startedMs,
    lastOldMs: lastOld === null ? null : Math.max(0, lastOld - startedMs),
  };
}

const rounded = (latency: Latency | null): Latency | null =>
  latency === null
    ? null
    : { count: latency.count, p50: round(latency.p50, 2), p99: round(latency.p99, 2), max: round(latency.max, 2) };

/** Resident memory of processes, 0 for those that have gone. */
export const rssMiB = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    try {
      return sum + Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    } catch {
      return sum;
    }
  }, 0);
