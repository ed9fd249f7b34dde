// Wall and CPU time of commands, in turn within one run, so that a machine that slows down slows down all of them.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { inRepo } from '../../rig/paths.ts';
import { need } from '../../rig/requirements.ts';
import { round, type Spread, spreadOf } from './figures.ts';

export interface CommandCost {
  readonly wallMs: Spread;
  readonly cpuMs: Spread;
}

export interface TimedCommands {
  readonly runs: number;
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly commands: Readonly<Record<string, readonly string[]>>;
  /** Exit codes that are no failure; 0 unless said otherwise. */
  readonly ok?: readonly number[];
}

export interface Sample {
  readonly wallMs: number;
  readonly cpuMs: number;
}

export async function timeCommands(task: TimedCommands): Promise<Readonly<Record<string, CommandCost>>> {
  return Object.fromEntries(
    Object.entries(await sampleCommands(task)).map(([name, runs]) => [
      name,
      { wallMs: rounded(runs.map(({ wallMs }) => wallMs)), cpuMs: rounded(runs.map(({ cpuMs }) => cpuMs)) },
    ]),
  );
}

/** Each run of each of them. */
export async function sampleCommands(task: TimedCommands): Promise<Readonly<Record<string, readonly Sample[]>>> {
  const child = spawn(need('python3'), [inRepo('test/bench/measure/timed.py')], { stdio: ['pipe', 'pipe', 'pipe'] });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  child.stdin.end(JSON.stringify(task));
  const [code] = (await once(child, 'close')) as [number];
  if (code !== 0) throw new Error(stderr.trim());
  return JSON.parse(stdout) as Record<string, Sample[]>;
}

function rounded(values: readonly number[]): Spread {
  const spread = spreadOf(values);
  if (spread === null) throw new Error('nothing was run');
  return { min: round(spread.min), median: round(spread.median), max: round(spread.max), runs: spread.runs };
}
