// The plots of the page.
import { spreadOf } from '../measure/figures.ts';
import { type Collected, caseName, type DeployCase, lostOf } from './collected.ts';
import { type BarGroup, barChart, lineChart } from './svg.ts';
import { figure, known } from './words.ts';

export interface Plot {
  readonly file: string;
  readonly alt: string;
  readonly svg: string;
}

type Value = (run: DeployCase['runs'][number]) => number | null | undefined;

export function plotsOf(collected: Collected): readonly Plot[] {
  const fast = collected.deploys.filter(({ load, runs }) => load === 'fast' && runs.length > 0);
  const groups = (values: readonly Value[]): readonly BarGroup[] =>
    fast.map((one) => ({
      label: caseName(one),
      strong: one.peer.ours,
      bars: values.flatMap((value, series) => {
        const spread = spreadOf(known(one.runs.map(value)));
        if (spread === null) return [];
        const { min, median, max } = spread;
        return [{ value: median, min, max, text: figure(median), series }];
      }),
    }));
  const bars = (
    file: string,
    title: string,
    unit: string,
    series: readonly string[],
    values: readonly Value[],
    log = false,
  ): Plot => ({
    file,
    alt: title,
    svg: barChart({ title, unit, series, groups: groups(values), log }),
  });
  const plots: Plot[] = [];
  if (fast.length > 0)
    plots.push(
      bars('lost.svg', 'Requests lost in the deploys of one run', 'requests', ['lost'], [lostOf], true),
      bars(
        'p99.svg',
        'p99 of the answers, requests of 0 to 3 ms',
        'ms',
        ['steady', 'during deploys'],
        [({ steady }) => steady?.p99, ({ during }) => during?.p99],
      ),
      bars(
        'time.svg',
        'From the command',
        'ms',
        ['to the first answer of the new version', 'to the last answer of the old one'],
        [({ firstNewMs }) => firstNewMs, ({ lastOldMs }) => lastOldMs],
        true,
      ),
    );
  if (collected.idle.length > 1) {
    const managers = Object.keys(collected.idle[0]?.figures ?? {}).filter((name) =>
      /^graceful|^pm2|^supervisord/.test(name),
    );
    plots.push({
      file: 'idle.svg',
      alt: 'CPU time of supervising idle apps',
      svg: lineChart({
        title: 'CPU time of supervising idle apps',
        unit: 'ms per minute',
        xTitle: 'apps',
        lines: managers.map((label) => ({
          label,
          points: collected.idle.flatMap(({ apps, figures }): [number, number][] => {
            const found = figures[label];
            return found === undefined || 'error' in found ? [] : [[apps, found.cpuMsPerMinute]];
          }),
        })),
      }),
    });
  }
  if (collected.sockets.length > 1)
    plots.push({
      file: 'sockets.svg',
      alt: 'Cost of commands by the number of open unix sockets of the host',
      svg: lineChart({
        title: 'Cost of commands by the number of open unix sockets of the host',
        unit: 'ms',
        xTitle: 'open unix sockets',
        lines: [
          { label: 'update', points: collected.sockets.map(({ sockets, updateMs }) => [sockets, updateMs]) },
          { label: 'status', points: collected.sockets.map(({ sockets, statusMs }) => [sockets, statusMs]) },
          { label: 'one look at the table', points: collected.sockets.map(({ sockets, lookMs }) => [sockets, lookMs]) },
        ],
      }),
    });
  return plots;
}
