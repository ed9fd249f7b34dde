// From results to docs/benchmarks.md: what stands between the two markers is this file's, the rest is written by people.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { inRepo } from '../../rig/paths.ts';
import type { KeptResults } from '../kept-results.ts';
import type { Machine } from '../machine.ts';
import { type Collected, collect } from './collected.ts';
import { LOADS, latencyTable, lostTable, tailRows, timeTable } from './deploy-tables.ts';
import {
  brokenTable,
  historyTable,
  idleTable,
  killedBackendTable,
  killedManagerTable,
  memoryTable,
  socketsTable,
  statusTable,
} from './other-tables.ts';
import { type Plot, plotsOf } from './plots.ts';
import { whereOthersAreBetter } from './rivals.ts';
import { table } from './words.ts';
import { workersTable } from './workers-table.ts';

const PAGE = 'docs/benchmarks.md';
const PLOTS = 'docs/benchmarks';
const BEGIN = '<!-- written by npm run bench: begin -->';
const END = '<!-- written by npm run bench: end -->';

/** The text; with `write`, into the page, and the plots beside it. */
export function writeReport({ machine, results }: KeptResults, write: boolean): string {
  const collected = collect(results);
  const plots = plotsOf(collected);
  const text = reportOf(collected, plots, machine);
  if (write) {
    mkdirSync(inRepo(PLOTS), { recursive: true });
    for (const { file, svg } of plots) writeFileSync(inRepo(PLOTS, file), svg);
    const page = readFileSync(inRepo(PAGE), 'utf8');
    const [before, rest] = page.split(BEGIN);
    const after = rest?.split(END)[1];
    if (before === undefined || after === undefined) throw new Error(`${PAGE} has lost its markers`);
    writeFileSync(inRepo(PAGE), `${before}${BEGIN}\n\n${text}\n\n${END}${after}`);
  }
  return text;
}

function reportOf(collected: Collected, plots: readonly Plot[], machine: Machine | null): string {
  const plot = (file: string): readonly string[] =>
    plots.filter((one) => one.file === file).map(({ alt }) => `![${alt}](benchmarks/${file})`);
  const runs = Math.max(0, ...[...collected.deploys, ...collected.workers].map((one) => one.runs.length));
  const better = whereOthersAreBetter(collected);
  return [
    machineOf(machine, runs),
    '## Where a peer is better',
    ...better,
    '## Lost requests',
    ...plot('lost.svg'),
    `With ${LOADS.fast}, ${extent(collected, 'fast')}:`,
    lostTable(collected, 'fast'),
    ...withMix(collected, (load) => [`With ${LOADS.mix}, ${extent(collected, load)}:`, lostTable(collected, load)]),
    '## Latency',
    ...plot('p99.svg'),
    `With ${LOADS.fast}:`,
    latencyTable(collected, 'fast'),
    ...withMix(collected, (load) => [`With ${LOADS.mix}:`, latencyTable(collected, load)]),
    'p99 during deploys against the best peer with the same app and load behind the same nginx, and behind HAProxy in its place, run by run:',
    table(['', 'the app and the load', 'p99 ms', 'the best peer', 'ratio'], tailRows(collected)),
    '## How long a deploy takes',
    ...plot('time.svg'),
    timeTable(collected),
    '## A broken new version',
    brokenTable(collected),
    '## SIGKILL of the manager',
    killedManagerTable(collected),
    '## SIGKILL of the backend',
    killedBackendTable(collected),
    '## Several workers',
    workersTable(collected.workers),
    '## What a manager costs',
    memoryTable(collected),
    'The status command against a bare start of its interpreter:',
    statusTable(collected),
    'Supervising apps that do nothing:',
    ...plot('idle.svg'),
    idleTable(collected),
    '## Scale',
    ...plot('sockets.svg'),
    socketsTable(collected),
    historyTable(collected),
    ...(collected.failed.length === 0
      ? []
      : [
          '## What could not be measured',
          collected.failed.map(({ id, error }) => `- ${id}: ${error?.split('\n')[0]}`).join('\n'),
        ]),
  ].join('\n\n');
}

function machineOf(machine: Machine | null, runs: number): string {
  if (machine === null) return '';
  const versions = Object.entries(machine.versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(' · ');
  return `${machine.at.slice(0, 10)}, ${machine.commands.map((command) => `\`${command}\``).join(', ')}, ${runs} ${runs === 1 ? 'run' : 'runs'}; each figure is the median, in brackets the least and the most.
${machine.cores} cores of ${machine.processor}, ${machine.memoryGiB} GiB, ${machine.system}, Linux ${machine.kernel}, Node ${machine.node}.
${versions}.`;
}

/** The quick form goes without. */
const withMix = ({ deploys }: Collected, parts: (load: 'mix') => readonly string[]): readonly string[] =>
  deploys.some(({ load }) => load === 'mix') ? parts('mix') : [];

function extent({ deploys }: Collected, load: 'fast' | 'mix'): string {
  const one = deploys.find((found) => found.load === load);
  return one === undefined
    ? 'not measured'
    : `${one.parameters['deploys']} deploys in ${one.parameters['seconds']} s per run`;
}
