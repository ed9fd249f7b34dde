// What happens in the demo, in order, and what is expected of it.
import { rename, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { failed, type LoadReport } from '../rig/load-report.ts';
import { until } from '../rig/until.ts';
import { CONFIG, writeConfig, writeRelease } from './releases.ts';
import type { Screen } from './screen.ts';
import type { OnLine, Ran, Shell } from './shell.ts';
import { Traffic } from './traffic.ts';

/** One change of what serves, or one that was refused. */
export interface Step {
  readonly title: string;
  /** What it was meant to put into service; null for a way back to a version that has its row already. */
  readonly version: string | null;
  /** From spawning the backend to its health check's pass, as the tool reports it. */
  readonly ownStartMs: number | null;
  /** The whole command. */
  readonly totalMs: number;
}

export interface Story {
  readonly steps: readonly Step[];
  readonly traffic: LoadReport;
  /** What came otherwise than expected. */
  readonly surprises: readonly string[];
}

export interface Stage {
  readonly dir: string;
  readonly shell: Shell;
  readonly screen: Screen;
  /** Ends the story between two steps. */
  readonly signal: AbortSignal;
  /** Takes what has to be taken down at the end. */
  readonly own: (resource: AsyncDisposable) => void;
}

/** Traffic is watched for this long after each step. */
const PAUSE_MS = 1500;

export async function tell({ dir, shell, screen, signal, own }: Stage): Promise<Story> {
  const steps: Step[] = [];
  const surprises: string[] = [];
  const { paint } = screen;
  let traffic: Traffic | null = null;
  let serving = 'v1';

  const show: OnLine = (line, from) => screen.output(line, from === 'stdout' ? undefined : tintOf(line, paint));

  const graceful = async (args: readonly string[], expectedCode: number): Promise<Ran> => {
    screen.command(['graceful', ...args].join(' '));
    const ran = await shell.run(args, show);
    signal.throwIfAborted();
    if (ran.code !== 0) screen.output(`exit code ${ran.code}`, paint.red);
    if (ran.code !== expectedCode)
      surprises.push(`graceful ${args.join(' ')}: exit code ${ran.code} instead of ${expectedCode}`);
    return ran;
  };

  const deploy = async (version: string, title: string, broken = false): Promise<void> => {
    await writeRelease(dir, version, broken);
    screen.command(`ln -sfn releases/${version} current`);
    await point(dir, version);
    const ran = await graceful(['update'], broken ? 1 : 0);
    if (!broken) serving = version;
    steps.push({ title, version, ownStartMs: ownStart(ran), totalMs: ran.ms });
  };

  /** Lets the traffic run for a while, and until the version that should serve is the only one that answers. */
  const watch = async (): Promise<void> => {
    await sleep(PAUSE_MS, undefined, { signal });
    const isAlone = (): boolean =>
      signal.aborted || traffic?.ended === true || Object.keys(traffic?.rates ?? {}).join() === serving;
    await until(`only ${serving} answers`, isAlone, 10_000).catch(() =>
      surprises.push(`${serving} should be the only version that answers`),
    );
    signal.throwIfAborted();
    if (traffic?.ended) throw new Error('the load generator has died');
    screen.keepPulse();
  };

  screen.remark(`An app in ${dir}: one directory per release, and a link to the one to be deployed.`);
  await writeConfig(dir);
  screen.command('cat graceful.config.json');
  for (const line of CONFIG.trimEnd().split('\n')) screen.output(line, paint.dim);
  await deploy('v1', 'first start');
  // With nothing to update, there is nothing to see.
  if (surprises[0] !== undefined) throw new Error(surprises[0]);

  screen.remark('The embedded front stands in for nginx.');
  screen.command('graceful front --listen 127.0.0.1:0 &');
  const port = portOf(await shell.start(['front', '--listen', '127.0.0.1:0'], show));

  screen.remark('16 clients POST 2 kB each and compare the echo. 1 answer in 100 takes 500 ms.');
  traffic = new Traffic(port, () => {
    if (traffic !== null) screen.pulse(pulseOf(traffic, screen));
  });
  own(traffic);
  await watch();

  screen.remark('Three updates. On SIGTERM the app exits at once, whoever is connected to it.');
  for (const version of ['v2', 'v3', 'v4']) {
    await deploy(version, 'update');
    await watch();
  }

  screen.remark('v5 is broken: it dies before it listens.');
  await deploy('v5', 'broken: refused', true);
  await watch();

  screen.remark('v6 starts well, but nobody likes it: rollback.');
  await deploy('v6', 'update');
  await watch();
  const back = await graceful(['switch'], 0);
  steps.push({ title: 'rollback to v4', version: null, ownStartMs: null, totalMs: back.ms });
  serving = 'v4';
  await watch();

  screen.line();
  await graceful(['status'], 0);
  const report = await traffic.finish();

  for (const { version } of steps) {
    if (version === null) continue;
    const answered = (report.versions[version] ?? 0) > 0;
    if (answered && version === 'v5') surprises.push('v5 is broken, and yet it was given requests');
    if (!answered && version !== 'v5') surprises.push(`${version} answered no request`);
  }
  return { steps, traffic: report, surprises };
}

/** Progress stands back, so that what matters is seen. */
const tintOf = (line: string, paint: Screen['paint']): ((text: string) => string) => {
  if (line.startsWith('graceful: ')) return paint.red;
  if (/^[ab]: ready /.test(line)) return paint.green;
  if (/^[ab]: active now/.test(line)) return paint.cyan;
  return /^[ab]: /.test(line) ? paint.dim : String;
};

/** What `ln -sfn` does. */
export async function point(dir: string, version: string): Promise<void> {
  const temporary = join(dir, 'current.new');
  await symlink(join('releases', version), temporary);
  await rename(temporary, join(dir, 'current'));
}

const ownStart = ({ lines }: Ran): number | null => {
  for (const line of lines) {
    const [, number, unit] = /: ready after ([\d.]+) (ms|s) /.exec(line) ?? [];
    if (number !== undefined) return Number(number) * (unit === 's' ? 1000 : 1);
  }
  return null;
};

export const portOf = (line: string): number => {
  const port = /^front: http:\/\/127\.0\.0\.1:(\d+)\//.exec(line)?.[1];
  if (port === undefined) throw new Error(`no address in what the front says: ${line}`);
  return Number(port);
};

const pulseOf = ({ soFar, rates }: Traffic, { paint }: Screen): string => {
  if (soFar === null) return '';
  const lost = failed(soFar);
  const now = Object.entries(rates).map(([version, rate]) => `${paint.bold(version)} ${count(Math.round(rate))}/s`);
  return [
    `  ${paint.cyan('▸')} ${paint.bold(count(soFar.requests))} requests`,
    (lost === 0 ? paint.green : paint.red)(`${count(lost)} failed`),
    `now ${now.join(', ') || 'none'}`,
  ].join(paint.dim(' · '));
};

export const count = (number: number): string => number.toLocaleString('en-US');
