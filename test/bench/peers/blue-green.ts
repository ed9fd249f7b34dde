// Blue and green by a script: traffic moved by `nginx -s reload`, or by HAProxy's runtime API in the place of nginx. Nobody
// watches over the app, and no process stays.
import { readFileSync, writeFileSync } from 'node:fs';
import { freePort } from '../../rig/nginx.ts';
import { inRepo } from '../../rig/paths.ts';
import { debianVersion } from './debian.ts';
import { nginxIncluding } from './front.ts';
import { BENCH_APP, type Peer, program, untilServed, type Workplace } from './peer.ts';

export const blueGreen = (by: 'nginx' | 'haproxy'): Peer => ({
  id: `blue-green-${by}`,
  title: by === 'nginx' ? 'blue-green, nginx -s reload' : 'blue-green, HAProxy runtime API',
  ours: false,
  proxy: by === 'nginx' ? 'nginx' : 'HAProxy',
  language: 'node',
  behaviours: ['close', 'exit'],
  command: 'blue-green.sh',
  version: () => debianVersion(by),
  async start(place) {
    Object.assign(place.env, { BENCH_NODE: process.execPath, BENCH_APP });
    const pid = place.launch('blue', [process.execPath, BENCH_APP], { BENCH_SOCKET: place.file('blue.socket') });
    writeFileSync(place.file('blue.pid'), String(pid));
    writeFileSync(place.file('color'), 'blue');
    const front = by === 'nginx' ? await startNginx(place) : await startHaproxy(place);
    return {
      ...front,
      deploy: () => place.run([inRepo('test/bench/peers/blue-green.sh'), by]),
      managers: () => [],
    };
  },
});

async function startNginx(place: Workplace): Promise<AsyncDisposable & { readonly port: number }> {
  const file = place.file('upstream.conf');
  writeFileSync(file, `proxy_pass http://unix:${place.file('blue.socket')}:;\n`);
  const nginx = await nginxIncluding(file);
  writeFileSync(place.file('nginx.pid'), String(nginx.pid));
  return nginx;
}

async function startHaproxy(place: Workplace): Promise<AsyncDisposable & { readonly port: number }> {
  const port = await freePort();
  const server = (color: string, more = ''): string => `  server ${color} unix@${place.file(`${color}.socket`)}${more}`;
  writeFileSync(
    place.file('haproxy.cfg'),
    `global
  stats socket ${place.file('haproxy.admin')} level admin
  maxconn 1024
  nbthread 2
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:${port}
  default_backend app
backend app
  option forwardfor
${server('blue')}
${server('green', ' disabled')}
`,
  );
  const pid = place.launch('haproxy', [program('haproxy'), '-db', '-f', place.file('haproxy.cfg')]);
  const version = Number(readFileSync(place.file('version'), 'utf8').split(' ')[0]);
  await untilServed(port, version);
  return { port, [Symbol.asyncDispose]: async () => void process.kill(pid, 'SIGKILL') };
}
