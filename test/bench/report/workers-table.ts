// The table of several workers, and where the peer is better in it.
import type { WorkersResult } from '../measure/workers.ts';
import { CREWS } from '../peers/crews.ts';
import type { Result } from '../results.ts';
import { figure, spread, table } from './words.ts';

export interface WorkersCase {
  readonly title: string;
  readonly ours: boolean;
  readonly workers: number;
  readonly runs: readonly WorkersResult[];
}

export const workersCases = (results: readonly Result[]): readonly WorkersCase[] =>
  [...new Set(results.map(({ parameters }) => Number(parameters['workers'])))]
    .sort((one, other) => one - other)
    .flatMap((workers) =>
      CREWS.map(({ id, title }) => ({
        title,
        ours: id.startsWith('graceful'),
        workers,
        runs: results
          .filter(({ peer, parameters, error }) => peer === id && parameters['workers'] === workers && error === null)
          .map(({ data }) => data as WorkersResult),
      })),
    );

export const workersTable = (cases: readonly WorkersCase[]): string =>
  table(
    [
      '',
      'workers',
      'requests per second',
      'p50 ms',
      'p99 ms',
      'share of the least busy worker, %',
      'of the busiest, %',
      'lost when one is killed',
      'ms until it is replaced',
    ],
    cases.map(({ title, ours, workers, runs }) => [
      ours ? `**${title}**` : title,
      String(workers),
      spread(runs.map(({ perSecond }) => perSecond)),
      spread(runs.map(({ p50 }) => p50)),
      spread(runs.map(({ p99 }) => p99)),
      spread(runs.map(({ leastShare }) => leastShare)),
      spread(runs.map(({ mostShare }) => mostShare)),
      `${spread(
        runs.map(({ killed }) => killed.lost),
        0,
      )} of ${figure(Math.max(0, ...runs.map(({ killed }) => killed.requests)), 0)}`,
      runs.some(({ killed }) => killed.backMs === null) ? 'never' : spread(runs.map(({ killed }) => killed.backMs)),
    ]),
  );
