// What `status`, `update` and a drain cost as the host holds more and more open unix sockets, all of which stand in the
// table that a drain reads.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { countConnections } from '../../../src/system/connections.ts';
import { round, spreadOf } from '../measure/figures.ts';
import { timeCommands } from '../measure/timed-commands.ts';
import { createScaleApp, type ScaleApp } from './app.ts';
import { holdSockets } from './held-sockets.ts';

export interface SocketsResult {
  readonly sockets: number;
  readonly statusMs: number;
  readonly statusCpuMs: number;
  readonly floorMs: number;
  readonly updateMs: number;
  readonly updateCpuMs: number;
  /** One look at a backend's connections. */
  readonly lookMs: number;
  /** CPU time of a command that drains, in percent of one core. */
  readonly drainCpuPercent: number;
  /** From the end of the last connection to the end of the command. */
  readonly noticedMs: number;
}

const UPDATES = 7;
const LOOKS = 20;

export async function measureSockets(count: number, seconds: number): Promise<SocketsResult> {
  await using sockets = await holdSockets(count);
  await using app = await createScaleApp();
  await app.update();
  await app.update();
  const env = app.place.env;
  const commands = { floor: [process.execPath, '-e', '0'], status: app.argv('status') };
  const status = await timeCommands({ runs: 10, cwd: app.place.dir, env, commands });
  const aged = ['/bin/sh', '-c', 'touch -h -d "10 seconds ago" run/app.socket && exec "$@"', 'sh'];
  const update = await timeCommands({
    runs: UPDATES,
    cwd: app.place.dir,
    env,
    commands: { update: [...aged, ...app.argv('update', '--quiet')] },
  });
  const drain = await measureDrain(app, seconds);
  return {
    sockets: sockets.onHost,
    statusMs: status['status']?.wallMs.median ?? 0,
    statusCpuMs: status['status']?.cpuMs.median ?? 0,
    floorMs: status['floor']?.wallMs.median ?? 0,
    updateMs: update['update']?.wallMs.median ?? 0,
    updateCpuMs: update['update']?.cpuMs.median ?? 0,
    lookMs: await lookMs(app),
    ...drain,
  };
}

async function lookMs({ place }: ScaleApp): Promise<number> {
  const socket = place.file(`run/${readlinkSync(place.file('run/app.socket'))}`);
  const pid = Number(readFileSync(socket.replace(/socket$/, 'pid'), 'utf8'));
  const times: number[] = [];
  for (let look = 0; look < LOOKS; look += 1) {
    const startedAt = performance.now();
    await countConnections(pid, socket);
    times.push(performance.now() - startedAt);
  }
  return round(spreadOf(times)?.median ?? 0, 2);
}

/** A client stays connected to the old backend for a while; idle.py accepts it and closes, but the client does not. */
async function measureDrain(
  app: ScaleApp,
  seconds: number,
): Promise<Pick<SocketsResult, 'drainCpuPercent' | 'noticedMs'>> {
  const { place } = app;
  app.age();
  const active = readlinkSync(place.file('run/app.socket'));
  const inactive = place.file(`run/${active === 'app-a.socket' ? 'app-b.socket' : 'app-a.socket'}`);
  const pid = Number(readFileSync(inactive.replace(/socket$/, 'pid'), 'utf8'));
  // Stopped, it does not close what it accepts: the connection stays in the queue, where it counts.
  process.kill(pid, 'SIGSTOP');
  const client = connect(inactive);
  await once(client, 'connect');
  const [program = '', ...args] = app.argv('stop', '--inactive');
  const command = spawn(program, args, { cwd: place.dir, env: place.env, stdio: 'ignore' });
  const exited = once(command, 'exit');
  // The start of the command is not the drain.
  await sleep(700);
  const before = cpuMs(command.pid ?? 0);
  const from = performance.now();
  await sleep(seconds * 1_000);
  const spent = cpuMs(command.pid ?? 0) - before;
  const percent = (spent / (performance.now() - from)) * 100;
  process.kill(pid, 'SIGCONT');
  client.destroy();
  const gone = performance.now();
  await exited;
  return { drainCpuPercent: round(percent, 2), noticedMs: round(performance.now() - gone) };
}

const cpuMs = (pid: number): number => Number(readFileSync(`/proc/${pid}/schedstat`, 'latin1').split(' ')[0]) / 1e6;
