// graceful itself: one-shot and supervised, behind nginx without and with kept connections.
import { readFileSync, writeFileSync } from 'node:fs';
import { inRepo } from '../../rig/paths.ts';
import { BIN } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { nginxBefore } from './front.ts';
import { BENCH_APP, type Peer, PYTHON_DIR, program, type Workplace } from './peer.ts';

interface Variant {
  readonly host: 'one-shot' | 'supervisor';
  readonly config: 'plain' | 'keepalive';
  readonly language: 'node' | 'python';
}

/** Fewer seconds than the default, so that a broken version does not take a minute each time. */
const START_TIMEOUT = '5s';

export const graceful = (variant: Variant): Peer => {
  const { host, config, language } = variant;
  const gunicorn = language === 'python' ? ' with gunicorn as the app' : '';
  return {
    id: ['graceful', host, config, ...(language === 'python' ? ['gunicorn'] : [])].join('-'),
    title: `graceful ${host}${gunicorn}`,
    ours: true,
    proxy: config === 'plain' ? 'nginx' : 'nginx keepalive',
    language,
    behaviours: language === 'python' ? ['close'] : ['close', 'exit'],
    command: 'graceful update',
    version: () => (JSON.parse(readFileSync(inRepo('package.json'), 'utf8')) as { version: string }).version,
    async start(place) {
      configure(place, language);
      const graceful = (...args: readonly string[]) => place.run([process.execPath, BIN, ...args]);
      const supervise = async (): Promise<number> => {
        const seen = place.log('supervisor').length;
        const pid = place.launch('supervisor', [process.execPath, BIN, 'run']);
        await until('the supervisor has begun', () =>
          /keepalive: (?:done|nothing)/.test(place.log('supervisor').slice(seen)),
        );
        return pid;
      };
      let supervisor = 0;
      if (host === 'supervisor') supervisor = await supervise();
      else {
        const first = await graceful('update');
        if (first.code !== 0) throw new Error(first.output);
      }
      const nginx = await nginxBefore(`unix:${place.file('run/app.socket')}`, config);
      return {
        port: nginx.port,
        deploy: () => graceful('update'),
        stopOld: () => graceful('stop', '--inactive'),
        managers: () => (supervisor === 0 ? [] : [supervisor]),
        ...(host === 'supervisor'
          ? {
              restartManager: async () => {
                supervisor = await supervise();
              },
            }
          : { heal: () => graceful('keepalive') }),
        status: { argv: [process.execPath, BIN, 'status'], floor: [process.execPath, '-e', '0'] },
        [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
      };
    },
  };
};

function configure(place: Workplace, language: 'node' | 'python'): void {
  const command =
    language === 'node'
      ? [process.execPath, BENCH_APP]
      : [
          program('gunicorn'),
          '-c',
          `${PYTHON_DIR}/gunicorn.conf.py`,
          '--chdir',
          PYTHON_DIR,
          '-b',
          'unix:{socket}',
          'bench_wsgi',
        ];
  writeFileSync(
    place.file('graceful.config.json'),
    JSON.stringify({
      command,
      stateDir: 'run',
      env: place.appEnv,
      health: { type: 'http', path: '/healthz' },
      startTimeout: START_TIMEOUT,
    }),
  );
}
