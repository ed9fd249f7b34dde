// What `status`, `keepalive` and `update` cost as one state dir has seen more and more updates, against a fresh state dir
// in alternation, so that what the machine does meanwhile falls on both alike.
import { readdirSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { round, type Spread, spreadOf } from '../measure/figures.ts';
import { type Sample, sampleCommands } from '../measure/timed-commands.ts';
import { createScaleApp, type ScaleApp } from './app.ts';

const COMMANDS = ['status', 'keepalive', 'update'] as const;
type Command = (typeof COMMANDS)[number];

export interface CostAgainstFresh {
  readonly wallMs: Spread;
  /** By the fresh state dir's, one figure per run. */
  readonly wallRatio: Spread;
  readonly cpuRatio: Spread;
}

export interface HistoryMark extends Readonly<Record<Command, CostAgainstFresh>> {
  readonly updates: number;
  readonly files: number;
  readonly bytes: number;
}

const RUNS = 3;
const TIMES = 8;

/** `updates` real ones, of real backends, one after the other. */
export async function measureHistory(updates: number): Promise<readonly HistoryMark[]> {
  await using old = await createScaleApp();
  const marks: HistoryMark[] = [];
  let seen = 0;
  const at = [10, 100, 1_000, 10_000, updates].filter((mark) => mark <= updates);
  for (const mark of new Set(at)) {
    await old.grow(Math.max(0, mark - seen));
    const begins = Math.max(mark, seen);
    // Those that are measured are updates, too; the first of each run warms up.
    seen = begins + RUNS * (TIMES + 1);
    marks.push({ updates: begins, ...(await againstFresh(old)), ...sizeOf(old) });
  }
  return marks;
}

async function againstFresh(old: ScaleApp): Promise<Readonly<Record<Command, CostAgainstFresh>>> {
  await using fresh = await createScaleApp();
  await fresh.grow(2);
  // What an operation left to the kernel may still be at work.
  await sleep(500);
  const samples: Readonly<Record<string, readonly Sample[]>>[] = [];
  for (let run = 0; run < RUNS; run += 1) {
    const apps = { old, fresh };
    const order = run % 2 === 0 ? (['old', 'fresh'] as const) : (['fresh', 'old'] as const);
    const commands = COMMANDS.flatMap((command) =>
      order.map((which) => [`${which} ${command}`, apps[which].argv(command)] as const),
    );
    // An update within a quarter of a second of another waits for late connects first.
    const age = ['/usr/bin/touch', '-h', '-d', '10 seconds ago', old.link, fresh.link];
    samples.push(
      await sampleCommands({
        runs: TIMES,
        cwd: old.place.dir,
        env: old.place.env,
        commands: { age, ...Object.fromEntries(commands) },
      }),
    );
  }
  return Object.fromEntries(COMMANDS.map((command) => [command, costOf(samples, command)])) as Record<
    Command,
    CostAgainstFresh
  >;
}

function costOf(runs: readonly Readonly<Record<string, readonly Sample[]>>[], command: Command): CostAgainstFresh {
  const medians = (which: 'old' | 'fresh', key: keyof Sample): readonly number[] =>
    runs.map((samples) => spreadOf((samples[`${which} ${command}`] ?? []).map((sample) => sample[key]))?.median ?? 0);
  const ratio = (key: keyof Sample): Spread => {
    const fresh = medians('fresh', key);
    return rounded(
      medians('old', key).map((value, run) => value / (fresh[run] ?? 0)),
      2,
    );
  };
  return { wallMs: rounded(medians('old', 'wallMs'), 1), wallRatio: ratio('wallMs'), cpuRatio: ratio('cpuMs') };
}

function rounded(values: readonly number[], digits: number): Spread {
  const spread = spreadOf(values);
  if (spread === null) throw new Error('nothing was run');
  const { min, median, max, runs } = spread;
  return { min: round(min, digits), median: round(median, digits), max: round(max, digits), runs };
}

function sizeOf({ place }: ScaleApp): Pick<HistoryMark, 'files' | 'bytes'> {
  const files = readdirSync(place.file('run'));
  const size = (file: string): number => statSync(place.file(`run/${file}`), { throwIfNoEntry: false })?.size ?? 0;
  return { files: files.length, bytes: files.reduce((sum, file) => sum + size(file), 0) };
}
