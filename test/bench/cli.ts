// What the command line costs: `status` and a healthy `keepalive` against a bare `node -e 0`, in turn within one run, and
// what `update` adds to the backend's own time to ready. Medians, with the spread; run it by `npm run bench:cli`.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { BIN, cleanEnvironment, createTestApp, NODE_APP, type TestApp } from '../rig/test-app.ts';

const RUNS = 20;
const UPDATES = 10;
const GOAL_RATIO = 1.8;
const GOAL_UPDATE_MS = 150;

interface Figures {
  readonly min: number;
  readonly median: number;
  readonly max: number;
}

await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit' } });
await app.graceful('update');
const floor: readonly string[] = ['-e', '0'];
const samples = await inTurn(RUNS, {
  'node -e 0': () => timeOf(app, floor),
  'graceful status': () => timeOf(app, [BIN, 'status']),
  'graceful keepalive': () => timeOf(app, [BIN, 'keepalive']),
});
const base = figures(samples['node -e 0']).median;
console.log(`Node ${process.version}, ${RUNS} runs of each in turn, NODE_OPTIONS and NODE_EXTRA_CA_CERTS unset\n`);
console.log('                      median    min    max   ratio to node -e 0');
for (const [name, values] of Object.entries(samples)) {
  const { median, min, max } = figures(values);
  console.log(`${name.padEnd(20)} ${ms(median)} ${ms(min)} ${ms(max)}   ${(median / base).toFixed(2)}`);
}

const updates = await inTurn(UPDATES, {
  'the backend alone': () => timeToReady(app),
  'graceful update': async () => {
    // An update that follows another within a quarter of a second waits for late connects first. Deploys do not.
    await setTimeout(300);
    return timeOf(app, [BIN, 'update', '--quiet']);
  },
});
const alone = figures(updates['the backend alone']).median;
const whole = figures(updates['graceful update']).median;
console.log(
  `\nupdate: ${whole.toFixed(0)} ms in all, ${alone.toFixed(0)} ms of them the backend's own; adds ${(whole - alone).toFixed(0)} ms (goal: at most ${GOAL_UPDATE_MS})`,
);
console.log(`goal for status and keepalive: at most ${GOAL_RATIO}`);

/** Side by side, so that a machine that slows down slows down all of them. */
async function inTurn<Name extends string>(
  runs: number,
  jobs: Record<Name, () => Promise<number>>,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(jobs) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let run = -1; run < runs; run += 1)
    for (const name of names) {
      const value = await jobs[name]();
      if (run >= 0) results[name].push(value); // the first one warms up
    }
  return results;
}

async function timeOf({ dir }: TestApp, args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { cwd: dir, env: cleanEnvironment(), stdio: 'ignore' });
  const [code] = (await once(child, 'exit')) as [number];
  if (code !== 0) throw new Error(`${args.join(' ')} exited with ${code}`);
  return performance.now() - startedAt;
}

/** Spawn to the first accepted connection, with nobody in between. */
async function timeToReady({ dir }: TestApp): Promise<number> {
  const socketPath = `${dir}/alone.socket`;
  const startedAt = performance.now();
  const child = spawn(process.execPath, [NODE_APP], {
    cwd: dir,
    env: { ...cleanEnvironment(), GRACEFUL_SOCKET: socketPath },
    stdio: 'ignore',
  });
  while (!(await answers(socketPath))) await new Promise((resolve) => setImmediate(resolve));
  const elapsed = performance.now() - startedAt;
  child.kill('SIGKILL');
  await once(child, 'exit');
  await rm(socketPath, { force: true });
  return elapsed;
}

function answers(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath)
      .once('connect', () => {
        socket.destroy();
        resolve(true);
      })
      .once('error', () => resolve(false));
  });
}

function figures(values: readonly number[]): Figures {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  return { min: at(0), median: at(0.5), max: at(1) };
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`.padStart(7);
}
