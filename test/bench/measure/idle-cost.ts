// What it costs to watch over apps that do nothing. All managers at once: each is idle nearly all the time.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRepo } from '../../rig/paths.ts';
import { need } from '../../rig/requirements.ts';
import { BIN } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { createWorkplace, program, type Workplace } from '../peers/peer.ts';
import { PM2 } from '../peers/pm2.ts';
import { rssMiB } from './deploys.ts';
import { round } from './figures.ts';

export interface IdleFigures {
  readonly cpuMsPerMinute: number;
  readonly rssMiB: number;
}

/** By manager. `node` and `python3` are bare processes that do nothing, for comparison. */
export type IdleResult = Readonly<Record<string, IdleFigures | { readonly error: string }>>;

const IDLE_APP = inRepo('test/bench/apps/idle.py');
const SETTLE_MS = 5_000;

/** Each returns the managers' pids when all the apps run. */
type Start = (place: Workplace, apps: number) => Promise<readonly number[]>;

const MANAGERS: Readonly<Record<string, Start>> = {
  'graceful run': async (place, apps) => {
    const files = Array.from({ length: apps }, (_, index) => {
      const file = place.file(`app${index}.json`);
      writeFileSync(
        file,
        JSON.stringify({ name: `app${index}`, stateDir: 'run', command: [need('python3'), IDLE_APP] }),
      );
      return file;
    });
    const pid = place.launch('graceful', [process.execPath, BIN, 'run', ...files.flatMap((file) => ['-c', file])]);
    await until('all apps run', () => place.log('graceful').split('keepalive: done').length > apps, 120_000);
    return [pid];
  },
  pm2: async (place, apps) => {
    const env = { PM2_HOME: place.file('.pm2'), PM2_DISABLE_VERSION_CHECK: 'true' };
    Object.assign(place.env, env);
    const list = Array.from({ length: apps }, (_, index) => ({
      name: `app${index}`,
      script: IDLE_APP,
      interpreter: need('python3'),
    }));
    writeFileSync(place.file('ecosystem.config.cjs'), `module.exports = { apps: ${JSON.stringify(list)} };`);
    const { code, output } = await place.run([process.execPath, PM2, 'start', 'ecosystem.config.cjs'], {
      timeoutMs: 120_000,
    });
    if (code !== 0) throw new Error(output.slice(-300));
    return [Number(readFileSync(place.file('.pm2/pm2.pid'), 'utf8'))];
  },
  supervisord: async (place, apps) => {
    const programs = Array.from(
      { length: apps },
      (_, i) => `[program:app${i}]\ncommand=${need('python3')} ${IDLE_APP}\n`,
    );
    const config = place.file('supervisord.conf');
    writeFileSync(
      config,
      `[supervisord]\nlogfile=${place.file('main.log')}\npidfile=${place.file('s.pid')}\nchildlogdir=${place.dir}\n${programs.join('')}`,
    );
    const pid = place.launch('supervisord', [program('supervisord'), '-n', '-c', config]);
    await until('all apps run', () => place.log('supervisord').split('entered RUNNING').length > apps, 120_000);
    return [pid];
  },
  'Server::Starter': async (place, apps) => {
    const pids = Array.from({ length: apps }, (_, index) =>
      place.launch(`starter${index}`, [
        program('start_server'),
        `--path=${place.file(`${index}.socket`)}`,
        '--',
        need('python3'),
        IDLE_APP,
      ]),
    );
    await until('all apps run', () => pids.every((pid) => childrenOf(pid).length > 0), 120_000);
    return pids;
  },
  'node (bare)': async (place) => [place.launch('node', [process.execPath, '-e', 'setInterval(() => {}, 1e9)'])],
  'python3 (bare)': async (place) => [place.launch('python', [need('python3'), '-c', 'import time; time.sleep(1e6)'])],
};

export async function measureIdle(apps: number, seconds: number): Promise<IdleResult> {
  const started: { readonly name: string; readonly place: Workplace; readonly pids: readonly number[] }[] = [];
  const result: Record<string, IdleFigures | { error: string }> = {};
  try {
    for (const [name, start] of Object.entries(MANAGERS)) {
      const place = await createWorkplace('close', 'fast');
      try {
        started.push({ name, place, pids: await start(place, apps) });
      } catch (error) {
        result[name] = { error: String(error) };
        await place[Symbol.asyncDispose]();
      }
    }
    // The starts themselves are over, and their garbage collected.
    await sleep(SETTLE_MS);
    const before = started.map(({ pids }) => cpuMs(pids));
    const from = performance.now();
    await sleep(seconds * 1_000);
    const minutes = (performance.now() - from) / 60_000;
    started.forEach(({ name, pids }, index) => {
      result[name] = {
        cpuMsPerMinute: round((cpuMs(pids) - (before[index] ?? 0)) / minutes),
        rssMiB: round(rssMiB(pids)),
      };
    });
    return result;
  } finally {
    for (const { place } of started) await place[Symbol.asyncDispose]();
  }
}

/** By the scheduler's own clock in nanoseconds, of all threads; /proc/<pid>/stat counts in steps of 10 ms. */
function cpuMs(pids: readonly number[]): number {
  return pids
    .flatMap((pid) => {
      if (!existsSync(`/proc/${pid}/task`)) throw new Error(`process ${pid} has gone`);
      return readdirSync(`/proc/${pid}/task`).map((thread) => `/proc/${pid}/task/${thread}/schedstat`);
    })
    .reduce((sum, file) => sum + Number(readFileSync(file, 'latin1').split(' ')[0]) / 1e6, 0);
}

function childrenOf(pid: number): readonly string[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').filter(Boolean);
  } catch {
    return [];
  }
}
