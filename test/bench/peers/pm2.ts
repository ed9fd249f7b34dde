// pm2 in cluster mode, as its documentation says for reload without downtime: over TCP, since that is what its users do.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { freePort } from '../../rig/nginx.ts';
import { inRepo } from '../../rig/paths.ts';
import { nginxBefore } from './front.ts';
import { BENCH_APP, type Peer } from './peer.ts';

const HOME = inRepo('.cache/bench/pm2/node_modules/pm2');
export const PM2 = `${HOME}/bin/pm2`;

/** `default`: nothing but the app. `wait_ready`: it says when it listens, and has a signal handler. */
export const pm2 = (mode: 'default' | 'wait_ready', config: 'plain' | 'keepalive' = 'plain'): Peer => ({
  id: `${mode === 'default' ? 'pm2' : 'pm2-wait-ready'}${config === 'plain' ? '' : '-keepalive'}`,
  title: mode === 'default' ? 'pm2 reload' : 'pm2 reload, wait_ready and a signal handler',
  ours: false,
  proxy: config === 'plain' ? 'nginx' : 'nginx keepalive',
  language: 'node',
  behaviours: mode === 'default' ? ['exit'] : ['close'],
  command: 'pm2 reload app',
  version: () => (JSON.parse(readFileSync(`${HOME}/package.json`, 'utf8')) as { version: string }).version,
  async start(place) {
    if (!existsSync(PM2)) throw new Error('pm2 is not installed');
    const port = await freePort();
    const env = { PM2_HOME: place.file('.pm2'), PM2_DISABLE_VERSION_CHECK: 'true' };
    Object.assign(place.env, env);
    const ecosystem = {
      name: 'app',
      script: BENCH_APP,
      exec_mode: 'cluster',
      instances: 1,
      env: { ...place.appEnv, PORT: String(port), ...(mode === 'wait_ready' ? { BENCH_WAIT_READY: '1' } : {}) },
      ...(mode === 'wait_ready' ? { wait_ready: true } : {}),
    };
    writeFileSync(place.file('ecosystem.config.cjs'), `module.exports = { apps: [${JSON.stringify(ecosystem)}] };`);
    const pm2 = (...args: readonly string[]) => place.run([process.execPath, PM2, ...args]);
    const started = await pm2('start', 'ecosystem.config.cjs');
    if (started.code !== 0) throw new Error(started.output);
    await pm2('save');
    const nginx = await nginxBefore(`127.0.0.1:${port}`, config);
    return {
      port: nginx.port,
      deploy: () => pm2('reload', 'app'),
      managers: () => [Number(readFileSync(place.file('.pm2/pm2.pid'), 'utf8'))],
      restartManager: async () => {
        // What the unit that `pm2 startup` writes does.
        await pm2('resurrect');
      },
      status: { argv: [process.execPath, PM2, 'status'], floor: [process.execPath, '-e', '0'] },
      [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
    };
  },
});
