// The tables of deploys under load.

import { spreadOf } from '../measure/figures.ts';
import { behaviourName, type Collected, type DeployCase, lostOf, nameOf } from './collected.ts';
import { failureKinds, figure, known, spread, table } from './words.ts';

export const LOADS = { fast: 'requests of 0 to 3 ms', mix: '5 % of the requests of 500 ms' } as const;

export function lostTable({ deploys }: Collected, load: 'fast' | 'mix'): string {
  return table(
    ['', 'the app', 'lost', 'of', 'how', 'deploys that succeeded'],
    deploys
      .filter((one) => one.load === load)
      .map((one) => [
        bold(one),
        behaviourName(one),
        one.runs.length === 0 ? `failed: ${one.errors[0]}` : spread(one.runs.map(lostOf), 0),
        figure(
          one.runs.reduce((sum, { requests }) => sum + requests, 0),
          0,
        ),
        [failureKinds(one.runs.map(({ failures }) => failures)), closedIdle(one)].filter(Boolean).join('; '),
        `${one.runs.reduce((sum, run) => sum + run.succeeded, 0)} of ${one.runs.reduce((sum, run) => sum + run.deploys, 0)}`,
      ]),
  );
}

const closedIdle = ({ runs }: DeployCase): string => {
  const count = runs.reduce((sum, run) => sum + run.closedIdle, 0);
  return count === 0 ? '' : `not lost: ${figure(count, 0)} connections that the proxy closed between two requests`;
};

export function latencyTable({ deploys }: Collected, load: 'fast' | 'mix'): string {
  return table(
    [
      'ms',
      'the app',
      'steady p50',
      'p99',
      'max',
      'during deploys p50',
      'p99',
      'max',
      'p99: during / steady',
      'p99 at work',
    ],
    deploys
      .filter((one) => one.load === load && one.runs.length > 0)
      .map((one) => [
        bold(one),
        behaviourName(one),
        spread(
          one.runs.map(({ steady }) => steady?.p50),
          1,
        ),
        spread(
          one.runs.map(({ steady }) => steady?.p99),
          1,
        ),
        spread(
          one.runs.map(({ steady }) => steady?.max),
          0,
        ),
        spread(
          one.runs.map(({ during }) => during?.p50),
          1,
        ),
        spread(
          one.runs.map(({ during }) => during?.p99),
          1,
        ),
        spread(
          one.runs.map(({ during }) => during?.max),
          0,
        ),
        spread(ratios(one), 2),
        spread(
          one.runs.map(({ atWork }) => atWork?.p99),
          1,
        ),
      ]),
  );
}

export const ratios = ({ runs }: DeployCase): readonly number[] =>
  known(runs.map(({ steady, during }) => (steady === null || during === null ? null : during.p99 / steady.p99)));

export function timeTable({ deploys }: Collected): string {
  return table(
    ['ms from the command', 'the app', 'it returns', 'first answer of the new version', 'last answer of the old one'],
    deploys
      .filter((one) => one.load === 'fast' && one.runs.length > 0)
      .map((one) => [
        bold(one),
        behaviourName(one),
        spread(
          one.runs.map(({ commandMs }) => commandMs),
          0,
        ),
        spread(
          one.runs.map(({ firstNewMs }) => firstNewMs),
          0,
        ),
        spread(
          one.runs.map(({ lastOldMs }) => lastOldMs),
          0,
        ),
      ]),
  );
}

/** Our p99 during deploys against the best peer's with the same app, behind the same nginx and behind HAProxy; run by run. */
export function tailRows({ deploys }: Collected): readonly (readonly string[])[] {
  return deploys
    .filter(({ peer, runs }) => peer.ours && runs.length > 0)
    .flatMap((ours) => [ours.peer.proxy, 'HAProxy' as const].map((proxy) => ({ ours, proxy })))
    .flatMap(({ ours, proxy }) => {
      const rivals = deploys.filter(
        ({ peer, load, behaviour, runs }) =>
          !peer.ours &&
          load === ours.load &&
          behaviour === ours.behaviour &&
          peer.proxy === proxy &&
          peer.language === ours.peer.language &&
          runs.length > 0,
      );
      const best = rivals.toSorted((a, b) => median(a) - median(b))[0];
      if (best === undefined) return [];
      const against = ours.runs.flatMap((run, index) => {
        const theirs = best.runs[index]?.during?.p99;
        return run.during === null || theirs === undefined ? [] : [run.during.p99 / theirs];
      });
      return [
        [
          nameOf(ours),
          `${behaviourName(ours)}, ${LOADS[ours.load]}`,
          spread(
            ours.runs.map(({ during }) => during?.p99),
            1,
          ),
          `${nameOf(best)}: ${spread(
            best.runs.map(({ during }) => during?.p99),
            1,
          )}`,
          spread(against, 2),
        ],
      ];
    });
}

const median = ({ runs }: DeployCase): number =>
  spreadOf(known(runs.map(({ during }) => during?.p99)))?.median ?? Infinity;

export const bold = ({ peer }: DeployCase): string => (peer.ours ? `**${nameOf({ peer })}**` : nameOf({ peer }));
