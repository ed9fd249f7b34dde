// supervisord's restart: stop, then start. The naive baseline.
import { readFileSync, writeFileSync } from 'node:fs';
import { until } from '../../rig/until.ts';
import { debianVersion } from './debian.ts';
import { nginxBefore } from './front.ts';
import { BENCH_APP, get, type Peer, program } from './peer.ts';

export const supervisord: Peer = {
  id: 'supervisord',
  title: 'supervisord restart',
  ours: false,
  proxy: 'nginx',
  language: 'node',
  behaviours: ['close', 'exit'],
  command: 'supervisorctl restart app',
  version: () => debianVersion('supervisor'),
  async start(place) {
    const socketPath = place.file('app.socket');
    const config = place.file('supervisord.conf');
    const environment = Object.entries({ ...place.appEnv, BENCH_SOCKET: socketPath })
      .map(([name, value]) => `${name}="${value}"`)
      .join(',');
    writeFileSync(
      config,
      `[unix_http_server]
file=${place.file('supervisor.sock')}
[supervisord]
logfile=${place.file('supervisord.main.log')}
pidfile=${place.file('supervisord.pid')}
childlogdir=${place.dir}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[supervisorctl]
serverurl=unix://${place.file('supervisor.sock')}
[program:app]
command=${process.execPath} ${BENCH_APP}
environment=${environment}
`,
    );
    const start = async (): Promise<void> => {
      place.launch('supervisord', [program('supervisord'), '-n', '-c', config]);
      await until(
        'supervisord serves',
        () =>
          get({ socketPath }).then(
            () => true,
            () => false,
          ),
        10_000,
      );
    };
    await start();
    const control = (...args: readonly string[]): readonly string[] => [
      program('supervisorctl'),
      '-c',
      config,
      ...args,
    ];
    const nginx = await nginxBefore(`unix:${socketPath}`);
    return {
      port: nginx.port,
      deploy: () => place.run(control('restart', 'app')),
      managers: () => [Number(readFileSync(place.file('supervisord.pid'), 'utf8'))],
      restartManager: start,
      status: { argv: control('status'), floor: [program('python3'), '-c', '0'] },
      [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
    };
  },
};
