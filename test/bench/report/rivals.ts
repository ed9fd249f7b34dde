// Where a peer has the better figure: found by the script in the results, so that none is forgotten.

import { type Spread, spreadOf } from '../measure/figures.ts';
import type { WorkersResult } from '../measure/workers.ts';
import { type Case, type Collected, type DeployCase, lostOf, nameOf } from './collected.ts';
import { LOADS } from './deploy-tables.ts';
import { BROKEN, overFloor } from './other-tables.ts';
import { known, table, written } from './words.ts';

interface Entry {
  readonly name: string;
  readonly ours: boolean;
  readonly figures: Spread;
}

/** Less is better in all of them. */
interface Contest {
  readonly what: string;
  readonly entries: readonly Entry[];
}

interface Defeat {
  readonly what: string;
  readonly mine: Entry;
  /** The best one first. */
  readonly better: readonly Entry[];
  /** Each run of the best one is better than every run of ours. */
  readonly clear: boolean;
}

/** One row for each figure of ours that a peer's is better than; not where the difference is within 5 %. */
export function whereOthersAreBetter(collected: Collected): readonly string[] {
  const all = contests(collected);
  const defeats = all.flatMap(defeatsIn);
  const count = all.reduce((sum, { entries }) => sum + entries.filter(({ ours }) => ours).length, 0);
  const rows = (clear: boolean): readonly (readonly string[])[] =>
    defeats
      .filter((defeat) => defeat.clear === clear)
      .map(({ what, mine, better }) => [what, inWords(mine), better.map(inWords).join(' · ')]);
  const head = ['less is better', 'graceful', 'who is better'];
  return [
    `Of ${count} figures of graceful's that a peer has, too, ${defeats.length} are better (by more than 5 %) with some peer. † loses requests in these very deploys.`,
    'In each run of the best peer better than in every run of graceful, or measured once:',
    rows(true).length === 0 ? 'None.' : table(head, rows(true)),
    'In the median only, with runs that overlap:',
    rows(false).length === 0 ? 'None.' : table(head, rows(false)),
  ];
}

const inWords = ({ name, figures }: Entry): string => `${name} ${written(figures)}`;

function defeatsIn({ what, entries }: Contest): readonly Defeat[] {
  return entries
    .filter(({ ours }) => ours)
    .flatMap((mine) => {
      const better = entries
        .filter(({ ours, figures }) => !ours && figures.median < mine.figures.median * 0.95)
        .toSorted((a, b) => a.figures.median - b.figures.median);
      const [best] = better;
      return best === undefined ? [] : [{ what, mine, better, clear: best.figures.max < mine.figures.min }];
    });
}

/** HAProxy, which keeps connections in its own way, stands with those behind the plain nginx. */
const SETTINGS = (['fast', 'mix'] as const).flatMap((load) =>
  (['node', 'python'] as const).flatMap((language) =>
    (['close', 'exit'] as const).flatMap((behaviour) =>
      [false, true].map((kept) => ({ load, language, behaviour, kept })),
    ),
  ),
);

type DeployValue = (run: DeployCase['runs'][number]) => number | null | undefined;

const DEPLOYS: readonly (readonly [what: string, value: DeployValue])[] = [
  ['lost requests', lostOf],
  ['first answer of the new version, ms', ({ firstNewMs }) => firstNewMs],
  ['last answer of the old version, ms', ({ lastOldMs }) => lastOldMs],
  ['until the command returns, ms', ({ commandMs }) => commandMs],
  ['p50 during deploys, ms', ({ during }) => during?.p50],
  ['p99 during deploys, ms', ({ during }) => during?.p99],
  ['max during deploys, ms', ({ during }) => during?.max],
  ['p99 at work, ms', ({ atWork }) => atWork?.p99],
  [
    'p99 during deploys ÷ steady',
    ({ steady, during }) => (steady === null || during === null ? null : during.p99 / steady.p99),
  ],
  ['steady p50, ms', ({ steady }) => steady?.p50],
  ['steady p99, ms', ({ steady }) => steady?.p99],
];

/** What never ends is the worst. */
const orNever = (value: number | null): number => value ?? Number.POSITIVE_INFINITY;

const WORKERS: readonly {
  readonly what: string;
  readonly value: (run: WorkersResult) => number | null;
}[] = [
  { what: 'time for a thousand requests, ms', value: ({ perSecond }) => 1e6 / perSecond },
  { what: 'p50, ms', value: ({ p50 }) => p50 },
  { what: 'p99, ms', value: ({ p99 }) => p99 },
  {
    what: 'between the busiest and the least busy, % of the requests',
    value: ({ mostShare, leastShare }) => mostShare - leastShare,
  },
  { what: 'lost when one is killed', value: ({ killed }) => killed.lost },
  { what: 'until it is replaced, ms', value: ({ killed }) => orNever(killed.backMs) },
];

function contests(collected: Collected): readonly Contest[] {
  const { broken, killedManager, killedBackend, status } = collected;
  return [
    ...deployContests(collected),
    ...Object.entries(BROKEN).map(([kind, words]) => ({
      what: `new version that ${words}: lost requests`,
      entries: of(
        broken.filter(({ parameters }) => parameters['broken'] === kind),
        ({ lost }) => lost,
      ),
    })),
    {
      what: 'SIGKILL of the manager: lost requests',
      entries: of(killedManager, (run) => run && run.lostWithout + run.lostAtRestart),
    },
    { what: 'SIGKILL of the manager: app processes left over', entries: of(killedManager, (run) => run?.strays) },
    { what: 'SIGKILL of the backend: lost requests', entries: of(killedBackend, ({ lost }) => lost) },
    {
      what: 'SIGKILL of the backend: until it serves again, ms',
      entries: of(killedBackend, ({ recoveryMs }) => orNever(recoveryMs)),
    },
    ...workersContests(collected),
    { what: 'memory of the manager after the deploys, MiB', entries: memory(collected) },
    { what: '`status`: wall ms', entries: of(status, (run) => run?.command.wallMs.median) },
    { what: '`status`: CPU ms', entries: of(status, (run) => run?.command.cpuMs.median) },
    { what: '`status`: wall ÷ bare start', entries: of(status, (run) => run && overFloor(run, 'wallMs')) },
    { what: '`status`: CPU ÷ bare start', entries: of(status, (run) => run && overFloor(run, 'cpuMs')) },
    ...idleContests(collected),
  ];
}

function deployContests({ deploys }: Collected): readonly Contest[] {
  return DEPLOYS.flatMap(([what, value]) =>
    SETTINGS.map(({ load, language, behaviour, kept }) => ({
      what: [
        `${what}: ${behaviour === 'close' ? 'closes well' : 'exits at once'}`,
        ...(load === 'mix' ? [LOADS.mix] : []),
      ].join(', '),
      entries: deploys
        .filter(
          ({ peer, ...one }) =>
            one.load === load &&
            one.behaviour === behaviour &&
            peer.language === language &&
            (peer.proxy === 'nginx keepalive') === kept,
        )
        .flatMap((one) =>
          entry(
            `${nameOf(one)}${!one.peer.ours && one.runs.some((run) => lostOf(run) > 0) ? ' †' : ''}`,
            one.peer.ours,
            one.runs.map(value),
          ),
        ),
    })),
  );
}

function workersContests({ workers }: Collected): readonly Contest[] {
  return [...new Set(workers.map((one) => one.workers))].flatMap((count) =>
    WORKERS.map(({ what, value }) => ({
      what: `${count} workers: ${what}`,
      entries: workers
        .filter((one) => one.workers === count)
        .flatMap(({ title, ours, runs }) => entry(title, ours, runs.map(value))),
    })),
  );
}

const memory = ({ deploys }: Collected): readonly Entry[] =>
  [...new Set(deploys.map(({ peer }) => peer))]
    .filter(({ proxy }) => proxy !== 'nginx keepalive')
    .flatMap((peer) =>
      entry(
        nameOf({ peer }),
        peer.ours,
        deploys
          .filter((one) => one.peer === peer && one.load === 'fast')
          .flatMap(({ runs }) => runs.map(({ managerRssMiB }) => managerRssMiB)),
      ),
    );

const idleContests = ({ idle }: Collected): readonly Contest[] =>
  idle.flatMap(({ apps, figures }) =>
    (['cpuMsPerMinute', 'rssMiB'] as const).map((key) => ({
      what: `supervising ${apps} idle ${apps === 1 ? 'app' : 'apps'}: ${key === 'rssMiB' ? 'MiB' : 'CPU ms per minute'}`,
      entries: Object.entries(figures)
        .filter(([manager]) => !manager.includes('bare'))
        .flatMap(([manager, found]) =>
          'error' in found ? [] : entry(manager, manager.startsWith('graceful'), [found[key]]),
        ),
    })),
  );

const of = <Data>(cases: readonly Case<Data>[], value: (run: Data) => number | null | undefined): readonly Entry[] =>
  cases.flatMap((one) =>
    entry(
      `${nameOf(one)}${one.parameters['when'] === 'warm' ? ', right after a deploy' : ''}`,
      one.peer.ours,
      one.runs.map(value),
    ),
  );

function entry(name: string, ours: boolean, values: readonly (number | null | undefined)[]): readonly Entry[] {
  const figures = spreadOf(known(values));
  return figures === null ? [] : [{ name, ours, figures }];
}
