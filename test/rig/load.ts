// Load by wrk, the independent witness of the tests: it runs for just as long as it is needed, and accounts for every request.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Load, LoadReport } from './load-report.ts';
import { inRepo } from './paths.ts';
import { need } from './requirements.ts';
import { tempDir } from './temp-dir.ts';

export interface WrkLoadOptions {
  readonly port: number;
  readonly host?: string;
  /** Where to POST; `/` unless said otherwise. */
  readonly path?: string;
  /** 16 unless said otherwise, and a multiple of the threads. */
  readonly connections?: number;
  readonly threads?: number;
  /** What is not answered this long after the stop counts as timed out; 10 s unless said otherwise. */
  readonly patienceMs?: number;
  /** Ends the load by itself; without it, only `stop()` does (and the limit of ten minutes). */
  readonly durationMs?: number;
  /** The program and its first arguments that wrk is run by, `nsenter …`; it has to become wrk, which is sent a signal. */
  readonly wrapper?: readonly string[];
  /** A wrk script that does what post.lua does and more; with what it finds in its environment. */
  readonly script?: { readonly path: string; readonly env: Readonly<Record<string, string>> };
}

/** Starts wrk with POSTs of 2 kB whose echo is compared. */
export const startLoad = (options: WrkLoadOptions): Load => {
  const { port, host = '127.0.0.1', path = '/', connections = 16, threads = 2, patienceMs = 10_000 } = options;
  if (connections % threads !== 0) throw new RangeError('wrk gives each thread the same number of connections');
  const flowing = signal();
  const allParked = signal();
  const stopAsked = signal();
  let parkedThreads = 0;
  let report: string | undefined;

  const run = async (): Promise<LoadReport> => {
    await using dir = await tempDir();
    const stopFile = dir.join('stop');
    const [program = '', ...leading] = [...(options.wrapper ?? []), need('wrk')];
    const wrk = spawn(
      program,
      [
        ...leading,
        `-t${threads}`,
        `-c${connections}`,
        '-d600s',
        '--timeout',
        '60s',
        '-s',
        options.script?.path ?? inRepo('test/rig/post.lua'),
        `http://${host}:${port}${path}`,
      ],
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        env: {
          ...process.env,
          ...options.script?.env,
          LOAD_STOP_FILE: stopFile,
          LOAD_CONNECTIONS_PER_THREAD: String(connections / threads),
        },
      },
    );
    createInterface({ input: wrk.stdout }).on('line', (line) => {
      if (line === 'flowing') flowing.resolve();
      else if (line === 'parked' && ++parkedThreads === threads) allParked.resolve();
      else if (line.startsWith('report ')) report = line.slice('report '.length);
    });
    const ended = endOf(wrk);
    const duration = options.durationMs === undefined ? undefined : setTimeout(stopAsked.resolve, options.durationMs);
    await Promise.race([stopAsked.promise, ended]);
    clearTimeout(duration);
    // First every connection gets its answer and parks; only then does the SIGINT that makes wrk print its sums cut nothing.
    await writeFile(stopFile, '');
    const patience = setTimeout(allParked.resolve, patienceMs);
    await Promise.race([allParked.promise, ended]);
    clearTimeout(patience);
    wrk.kill('SIGINT');
    const { code, stderr } = await ended;
    if (report === undefined) throw new Error(`wrk ended with ${code} and without a report: ${stderr}`);
    return parseReport(report, connections);
  };

  const finished = run();
  // What never flowed and has ended will not flow any more.
  finished.then(flowing.resolve, flowing.reject);
  flowing.promise.catch(() => undefined);
  return {
    flowing: flowing.promise,
    finished,
    stop: () => {
      stopAsked.resolve();
      return finished;
    },
  };
};

interface RawReport {
  readonly counts: Readonly<
    Record<
      | 'sent'
      | 'answered'
      | 'parked'
      | 'ok'
      | 'non2xx'
      | 'wrong'
      | 'spliced'
      | 'connect'
      | 'read'
      | 'write'
      | 'late'
      | 'durationUs'
      | 'p50Us'
      | 'p99Us'
      | 'maxUs',
      number
    >
  >;
  readonly statuses: Readonly<Record<string, number>>;
  readonly versions: Readonly<Record<string, number>>;
  readonly examples: readonly string[];
}

const parseReport = (json: string, connections: number): LoadReport => {
  const { counts, statuses, versions, examples } = JSON.parse(json) as RawReport;
  const { sent, answered, connect, read, write } = counts;
  // What neither an answer nor an error of wrk's accounts for still waits, if as many connections did not come to rest.
  const timeout = Math.min(Math.max(0, sent - answered - read - write), Math.max(0, connections - counts.parked));
  // wrk does not notice a refused connect(2) as such: it shows when it writes, or reads, without having sent anything.
  // And not every wrk counts a connection that was closed without an answer: what is missing counts, seen or not.
  const reset = Math.max(0, sent - answered - timeout - write);
  const unsent = Math.max(0, read - reset);
  const neverSent = connect + unsent;
  // The rest of a broken answer in front of a right one is wrk's doing, once per break; beyond that it is the backend's.
  const excused = Math.min(counts.spliced, reset);
  return {
    requests: sent + neverSent,
    succeeded: counts.ok + excused,
    failures: {
      refused: neverSent + write,
      reset,
      timeout,
      non2xx: counts.non2xx,
      wrongBody: counts.wrong + counts.spliced - excused,
    },
    unsent,
    statuses,
    versions,
    latencyMs: { p50: counts.p50Us / 1000, p99: counts.p99Us / 1000, max: counts.maxUs / 1000 },
    durationMs: Math.round(counts.durationUs / 1000),
    examples,
  };
};

const endOf = (
  child: ChildProcessByStdio<null, Readable, Readable>,
): Promise<{ code: number | string | null; stderr: string }> =>
  new Promise((resolve, reject) => {
    let stderr = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('error', reject);
    child.once('close', (code, signalName) => resolve({ code: code ?? signalName, stderr }));
  });

interface Signal {
  readonly promise: Promise<void>;
  readonly resolve: () => void;
  readonly reject: (reason: unknown) => void;
}

const signal = (): Signal => {
  let resolve: () => void = () => undefined;
  let reject: (reason: unknown) => void = () => undefined;
  const promise = new Promise<void>((onResolved, onRejected) => {
    resolve = onResolved;
    reject = onRejected;
  });
  return { promise, resolve, reject };
};
