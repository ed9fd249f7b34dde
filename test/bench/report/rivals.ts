// Where a peer has the better figure: found by the script in the results, so that none is forgotten.
import { spreadOf } from '../measure/figures.ts';
import type { WorkersResult } from '../measure/workers.ts';
import { type Collected, caseName, type DeployCase, lostOf, nameOf } from './collected.ts';
import { figure, known } from './words.ts';

/** Less is better in all of them. */
interface Contest {
  readonly what: string;
  readonly unit: string;
  readonly entries: readonly { readonly name: string; readonly ours: boolean; readonly value: number }[];
}

/** One line for each figure of ours that a peer's is better than; not where the difference is within 5 %. */
export const whereOthersAreBetter = (collected: Collected): readonly string[] => contests(collected).flatMap(verdicts);

function verdicts({ what, unit, entries }: Contest): readonly string[] {
  return entries
    .filter(({ ours }) => ours)
    .flatMap((mine) => {
      const better = entries
        .filter((entry) => !entry.ours && entry.value < mine.value * 0.95)
        .toSorted((a, b) => a.value - b.value);
      if (better.length === 0) return [];
      const list = better.map(({ name, value }) => `${name} ${figure(value)}`).join(' · ');
      return [`${what}${unit === '' ? '' : `, ${unit}`}: ${mine.name} **${figure(mine.value)}** · ${list}`];
    });
}

/** HAProxy, which keeps connections in its own way, stands with those behind the plain nginx. */
const SETTINGS = (['close', 'exit'] as const).flatMap((behaviour) =>
  [false, true].map((kept) => ({ behaviour, kept })),
);

const WORKERS: readonly {
  readonly what: string;
  readonly unit: string;
  readonly value: (run: WorkersResult) => number | null;
}[] = [
  { what: 'time for a thousand requests', unit: 'ms', value: ({ perSecond }) => 1e6 / perSecond },
  { what: 'p50', unit: 'ms', value: ({ p50 }) => p50 },
  { what: 'p99', unit: 'ms', value: ({ p99 }) => p99 },
  {
    what: 'between the busiest and the least busy',
    unit: '% of the requests',
    value: ({ mostShare, leastShare }) => mostShare - leastShare,
  },
  { what: 'lost when one is killed', unit: '', value: ({ killed }) => killed.lost },
  { what: 'until it is replaced', unit: 'ms', value: ({ killed }) => killed.backMs },
];

function contests(collected: Collected): readonly Contest[] {
  const { deploys, killedBackend, workers, status, idle } = collected;
  const fast = deploys.filter(({ load, runs }) => load === 'fast' && runs.length > 0);
  const deployContest = (
    what: string,
    unit: string,
    value: (run: DeployCase['runs'][number]) => number | null | undefined,
  ): Contest[] =>
    SETTINGS.map(({ behaviour, kept }) => ({
      what: `${what}, app that ${behaviour === 'close' ? 'closes well' : 'exits at once'}`,
      unit,
      entries: fast
        .filter(
          ({ peer, ...one }) =>
            one.behaviour === behaviour && peer.language === 'node' && (peer.proxy === 'nginx keepalive') === kept,
        )
        .flatMap((one) => entry(nameOf(one), one.peer.ours, one.runs.map(value))),
    }));
  return [
    ...deploys
      .filter(({ peer, runs }) => peer.ours && runs.some((run) => lostOf(run) > 0))
      .map((one) => ({
        what: `lost requests of ${caseName(one)}`,
        unit: '',
        entries: entry('graceful', true, one.runs.map(lostOf)),
      })),
    ...deployContest('first answer of the new version', 'ms', ({ firstNewMs }) => firstNewMs),
    ...deployContest('last answer of the old version', 'ms', ({ lastOldMs }) => lastOldMs),
    ...deployContest('until the command returns', 'ms', ({ commandMs }) => commandMs),
    ...deployContest('p99 during deploys', 'ms', ({ during }) => during?.p99),
    ...deployContest('p99 during deploys against steady state', '', ({ steady, during }) =>
      steady === null || during === null ? null : during.p99 / steady.p99,
    ),
    {
      what: 'requests lost by SIGKILL of the backend',
      unit: '',
      entries: killedBackend.flatMap((one) =>
        entry(
          `${nameOf(one)}${one.parameters['when'] === 'warm' ? ' right after a deploy' : ''}`,
          one.peer.ours,
          one.runs.map(({ lost }) => lost),
        ),
      ),
    },
    ...[...new Set(workers.map((one) => one.workers))].flatMap((count) =>
      WORKERS.map(({ what, unit, value }) => ({
        what: `${count} workers: ${what}`,
        unit,
        entries: workers
          .filter((one) => one.workers === count)
          .flatMap(({ title, ours, runs }) => entry(title, ours, runs.map(value))),
      })),
    ),
    {
      what: 'status: CPU time',
      unit: 'ms',
      entries: status.flatMap((one) =>
        entry(
          nameOf(one),
          one.peer.ours,
          one.runs.map((run) => run?.command.cpuMs.median),
        ),
      ),
    },
    ...idle.flatMap(({ apps, figures }) =>
      (['cpuMsPerMinute', 'rssMiB'] as const).map((key) => ({
        what: `${key === 'rssMiB' ? 'memory' : 'CPU'} of supervising ${apps} idle ${apps === 1 ? 'app' : 'apps'}`,
        unit: key === 'rssMiB' ? 'MiB' : 'ms per minute',
        entries: Object.entries(figures)
          .filter(([manager]) => !manager.includes('bare'))
          .flatMap(([manager, found]) =>
            'error' in found ? [] : [{ name: manager, ours: manager.startsWith('graceful'), value: found[key] }],
          ),
      })),
    ),
  ];
}

function entry(name: string, ours: boolean, values: readonly (number | null | undefined)[]) {
  const spread = spreadOf(known(values));
  return spread === null ? [] : [{ name, ours, value: spread.median }];
}
