// wrk with the oracle of the tests, and besides, when each request was sent and answered, and by which version.
import { readdirSync, readFileSync } from 'node:fs';
import { startLoad } from '../../rig/load.ts';
import type { LoadReport } from '../../rig/load-report.ts';
import { inRepo } from '../../rig/paths.ts';
import { tempDir } from '../../rig/temp-dir.ts';

/** Times are those of {@link monotonicMs}. */
export interface TimedAnswer {
  readonly sentMs: number;
  readonly answeredMs: number;
  readonly version: number;
}

export interface TimedReport {
  readonly report: LoadReport;
  /** Connections that the proxy closed while no request was under way on them: as it may, and nothing is lost. */
  readonly closedIdle: number;
  /** Those that were right, by the time of the answer. */
  readonly answers: readonly TimedAnswer[];
  /** When an error was answered. */
  readonly errorsMs: readonly number[];
}

/** Ten times what the slowest request takes. */
const PATIENCE_MS = 5_000;

/** CLOCK_MONOTONIC, which is the same for all processes; performance.now() begins at the start of its process. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Does `work` while wrk POSTs 2 kB bodies on 16 connections. */
export async function underTimedLoad(port: number, work: () => Promise<void>): Promise<TimedReport> {
  await using dir = await tempDir();
  const failedBefore = failedConnects();
  const load = startLoad({
    port,
    patienceMs: PATIENCE_MS,
    script: {
      path: inRepo('test/bench/load/timed.lua'),
      env: { LOAD_BASE_SCRIPT: inRepo('test/rig/post.lua'), LOAD_TIMES: dir.join('times') },
    },
  });
  try {
    await load.flowing;
    await work();
  } catch (error) {
    await load.stop().catch(() => undefined);
    throw error;
  }
  const report = await load.stop();
  return { ...withoutClosedIdle(report, failedConnects() - failedBefore), ...readTimes(dir.path) };
}

/**
 * A refused connection and one that is closed between two requests look the same to wrk. The kernel knows: it counts each
 * connect(2) of this host that failed, so that no more than these were refused.
 */
function withoutClosedIdle(report: LoadReport, failed: number): Pick<TimedReport, 'report' | 'closedIdle'> {
  const closedIdle = Math.max(0, (report.unsent ?? 0) - failed);
  const failures = { ...report.failures, refused: report.failures.refused - closedIdle };
  return { report: { ...report, requests: report.requests - closedIdle, failures }, closedIdle };
}

/** TCP connections of this host that were refused or timed out, so far: `AttemptFails`, RFC 4022. */
function failedConnects(): number {
  const [names, values] = readFileSync('/proc/net/snmp', 'latin1')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '));
  const failed = Number(values?.[names?.indexOf('AttemptFails') ?? -1]);
  if (Number.isNaN(failed)) throw new Error('/proc/net/snmp does not say how many connects have failed');
  return failed;
}

function readTimes(dir: string): Pick<TimedReport, 'answers' | 'errorsMs'> {
  const answers: TimedAnswer[] = [];
  const errorsMs: number[] = [];
  for (const file of readdirSync(dir).filter((name) => name.startsWith('times')))
    for (const line of readFileSync(`${dir}/${file}`, 'latin1').split('\n')) {
      const [sent = '', answered = '', version = ''] = line.split(' ');
      if (version === '') continue;
      if (version.startsWith('!')) errorsMs.push(Number(answered) / 1000);
      else answers.push({ sentMs: Number(sent) / 1000, answeredMs: Number(answered) / 1000, version: Number(version) });
    }
  answers.sort((a, b) => a.answeredMs - b.answeredMs);
  return { answers, errorsMs: errorsMs.sort((a, b) => a - b) };
}
