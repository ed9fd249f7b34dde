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
  /** Those that were right, by the time of the answer. */
  readonly answers: readonly TimedAnswer[];
  /** When an error was answered. */
  readonly errorsMs: readonly number[];
}

/** CLOCK_MONOTONIC, which is the same for all processes; performance.now() begins at the start of its process. */
export const monotonicMs = (): number => Number(process.hrtime.bigint() / 1000n) / 1000;

/** Does `work` while wrk POSTs 2 kB bodies on 16 connections. */
export async function underTimedLoad(port: number, work: () => Promise<void>): Promise<TimedReport> {
  await using dir = await tempDir();
  const load = startLoad({
    port,
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
  return { report, ...readTimes(dir.path) };
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
