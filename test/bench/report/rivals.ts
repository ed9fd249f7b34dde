// Where a peer has the better figure: found by the script in the results, so that none is forgotten.
import { spreadOf } from '../measure/figures.ts';
import { type Collected, caseName, type DeployCase, lostOf, nameOf } from './collected.ts';
import { figure, known } from './words.ts';

/** Less is better in all of them. */
interface Contest {
  readonly what: string;
  readonly unit: string;
  readonly entries: readonly { readonly name: string; readonly ours: boolean; readonly value: number }[];
}

/** One line for each contest that we do not win; a tie is no defeat, nor is what the spread may explain (5 %). */
export const whereOthersAreBetter = (collected: Collected): readonly string[] => contests(collected).flatMap(verdict);

function verdict({ what, unit, entries }: Contest): readonly string[] {
  const best = (ours: boolean) =>
    entries.filter((entry) => entry.ours === ours).toSorted((a, b) => a.value - b.value)[0];
  const mine = best(true);
  if (mine === undefined) return [];
  const better = entries
    .filter((entry) => !entry.ours && entry.value < mine.value * 0.95)
    .toSorted((a, b) => a.value - b.value);
  if (better.length === 0) return [];
  const list = better.map(({ name, value }) => `${name} ${figure(value)}`).join(', ');
  return [`${what}: ${list}; ours ${figure(mine.value)} (${mine.name})${unit === '' ? '' : `, ${unit}`}.`];
}

function contests(collected: Collected): readonly Contest[] {
  const { deploys, killedBackend, status, idle } = collected;
  const fast = deploys.filter(({ load, runs }) => load === 'fast' && runs.length > 0);
  const deployContest = (
    what: string,
    unit: string,
    value: (run: DeployCase['runs'][number]) => number | null | undefined,
  ): Contest[] =>
    (['close', 'exit'] as const).map((behaviour) => ({
      what: `${what}, app that ${behaviour === 'close' ? 'closes well' : 'exits at once'}`,
      unit,
      entries: fast
        .filter((one) => one.behaviour === behaviour && one.peer.language === 'node')
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
          nameOf(one),
          one.peer.ours,
          one.runs.map(({ lost }) => lost),
        ),
      ),
    },
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
