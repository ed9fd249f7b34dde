// Several processes of the same app that share one address: graceful's workers beside pm2's cluster mode.
import { existsSync, writeFileSync } from 'node:fs';
import { freePort } from '../../rig/nginx.ts';
import { BIN } from '../../rig/test-app.ts';
import { nginxBefore } from './front.ts';
import { BENCH_APP, type CommandResult, type Workplace } from './peer.ts';
import { PM2 } from './pm2.ts';

export interface Crew {
  readonly id: 'graceful-workers' | 'pm2-cluster';
  readonly title: string;
  /** Starts that many, behind nginx; returns its port. */
  start(place: Workplace, workers: number): Promise<RunningCrew>;
}

export interface RunningCrew extends AsyncDisposable {
  readonly port: number;
}

const env = ({ appEnv }: Workplace): Readonly<Record<string, string>> => ({
  ...appEnv,
  BENCH_DELAY: '0',
  BENCH_SAY: 'pid',
});

const assertDone = ({ code, output }: CommandResult): void => {
  if (code !== 0) throw new Error(output);
};

const graceful: Crew = {
  id: 'graceful-workers',
  title: 'graceful, `workers`',
  async start(place, workers) {
    const config = {
      command: [process.execPath, BENCH_APP],
      stateDir: 'run',
      listen: 'inherit',
      workers,
      env: env(place),
      health: { type: 'http', path: '/healthz' },
    };
    writeFileSync(place.file('graceful.config.json'), JSON.stringify(config));
    assertDone(await place.run([process.execPath, BIN, 'start']));
    return await nginxBefore(`unix:${place.file('run/app.socket')}`);
  },
};

const pm2: Crew = {
  id: 'pm2-cluster',
  title: 'pm2, cluster mode',
  async start(place, workers) {
    if (!existsSync(PM2)) throw new Error('pm2 is not installed');
    Object.assign(place.env, { PM2_HOME: place.file('.pm2'), PM2_DISABLE_VERSION_CHECK: 'true' });
    const port = await freePort();
    const ecosystem = {
      name: 'app',
      script: BENCH_APP,
      exec_mode: 'cluster',
      instances: workers,
      env: { ...env(place), PORT: String(port) },
    };
    writeFileSync(place.file('ecosystem.config.cjs'), `module.exports = { apps: [${JSON.stringify(ecosystem)}] };`);
    assertDone(await place.run([process.execPath, PM2, 'start', 'ecosystem.config.cjs']));
    return await nginxBefore(`127.0.0.1:${port}`);
  },
};

export const CREWS: readonly Crew[] = [graceful, pm2];
