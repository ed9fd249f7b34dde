// Server::Starter: holds the listening socket, and starts the new generation beside the old one at SIGHUP.
import { readFileSync } from 'node:fs';
import { until } from '../../rig/until.ts';
import { debianVersion } from './debian.ts';
import { nginxBefore } from './front.ts';
import { BENCH_APP, get, type Peer, program } from './peer.ts';

export const serverStarter = (config: 'plain' | 'keepalive'): Peer => ({
  id: config === 'plain' ? 'server-starter' : 'server-starter-keepalive',
  title: 'Server::Starter',
  ours: false,
  proxy: config === 'plain' ? 'nginx' : 'nginx keepalive',
  language: 'node',
  behaviours: ['close', 'exit'],
  command: 'start_server --restart',
  version: () => debianVersion('libserver-starter-perl'),
  async start(place) {
    const socketPath = place.file('app.socket');
    const files = [`--pid-file=${place.file('server.pid')}`, `--status-file=${place.file('server.status')}`];
    const start = async (): Promise<void> => {
      place.launch('server', [
        program('start_server'),
        `--path=${socketPath}`,
        ...files,
        '--',
        process.execPath,
        BENCH_APP,
      ]);
      await until(
        'Server::Starter serves',
        () =>
          get({ socketPath }).then(
            () => true,
            () => false,
          ),
        5_000,
      );
    };
    await start();
    const nginx = await nginxBefore(`unix:${socketPath}`, config);
    return {
      port: nginx.port,
      // It returns when the new generation stays, and tries for ever.
      deploy: () => place.run([program('start_server'), '--restart', ...files], { timeoutMs: 15_000 }),
      managers: () => [Number(readFileSync(place.file('server.pid'), 'utf8'))],
      restartManager: start,
      [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
    };
  },
});
