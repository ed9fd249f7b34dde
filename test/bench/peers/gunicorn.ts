// gunicorn by itself: SIGHUP to its master starts new workers with the new code and stops the old ones.
import { readFileSync } from 'node:fs';
import { until } from '../../rig/until.ts';
import { debianVersion } from './debian.ts';
import { nginxBefore } from './front.ts';
import { get, type Peer, PYTHON_DIR, program } from './peer.ts';

export const gunicorn: Peer = {
  id: 'gunicorn',
  title: 'gunicorn HUP',
  ours: false,
  proxy: 'nginx',
  language: 'python',
  // Its workers have signal handlers of their own: there is no app that exits at once under it.
  behaviours: ['close'],
  command: 'kill -HUP $(cat gunicorn.pid)',
  version: () => debianVersion('gunicorn'),
  async start(place) {
    const socketPath = place.file('app.socket');
    const pidFile = place.file('gunicorn.pid');
    const start = async (): Promise<void> => {
      const arguments_ = ['-c', `${PYTHON_DIR}/gunicorn.conf.py`, '--chdir', PYTHON_DIR, '-p', pidFile];
      place.launch('gunicorn', [program('gunicorn'), ...arguments_, '-b', `unix:${socketPath}`, 'bench_wsgi']);
      await until(
        'gunicorn serves',
        () =>
          get({ socketPath }).then(
            () => true,
            () => false,
          ),
        5_000,
      );
    };
    await start();
    const nginx = await nginxBefore(`unix:${socketPath}`);
    return {
      port: nginx.port,
      deploy: () => place.run(['/bin/sh', '-c', `kill -HUP $(cat ${pidFile})`]),
      managers: () => [Number(readFileSync(pidFile, 'utf8'))],
      restartManager: start,
      [Symbol.asyncDispose]: () => nginx[Symbol.asyncDispose](),
    };
  },
};
