// Three servers, a balancer, and the machine that Ansible and the load run on, in a network of their own. Each server
// has nginx with the file that we ship, graceful as npm installs it, and sshd.
import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { Belongings } from '../demo/belongings.ts';
import { installGraceful } from '../journey/site.ts';
import { inRepo } from '../rig/paths.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { until } from '../rig/until.ts';
import { haproxyConfig, nginxUpstream } from './balancers.ts';
import { bootScript, idle, nginxConfig, sshdFiles } from './boot.ts';
import { bootMachine, connectMachines, type Machine } from './machine.ts';
import { program } from './programs.ts';

/** Addresses of that network, and of no other. */
const ADDRESSES = { app1: '10.77.0.11', app2: '10.77.0.12', app3: '10.77.0.13' } as const;

/** Where each balancer listens. */
export const PORT = { haproxy: 80, nginx: 8080 } as const;

export interface Servers extends AsyncDisposable {
  /** A directory that all of them see. */
  readonly dir: string;
  readonly apps: readonly Machine[];
  readonly balancer: Machine;
  readonly control: Machine;
  readonly sshKey: string;
}

export async function startServers(): Promise<Servers> {
  const belongings = new Belongings();
  const own = <Resource extends AsyncDisposable>(resource: Resource): Resource => {
    belongings.own(resource);
    return resource;
  };
  try {
    return { ...(await start(own)), [Symbol.asyncDispose]: () => belongings[Symbol.asyncDispose]() };
  } catch (error) {
    await belongings[Symbol.asyncDispose]();
    throw error;
  }
}

async function start(
  own: <Resource extends AsyncDisposable>(resource: Resource) => Resource,
): Promise<Omit<Servers, keyof AsyncDisposable>> {
  const { path: dir, join } = own(await tempDir());
  chmodSync(dir, 0o755);
  const { bin } = own(await installGraceful());
  for (const key of ['key', 'host-key'])
    execFileSync(program('ssh-keygen'), ['-q', '-t', 'ed25519', '-N', '', '-f', join(key)]);
  for (const [file, text] of Object.entries(sshdFiles(dir))) writeFileSync(join(file), text);

  mkdirSync(join('balancer1'));
  writeFileSync(join('balancer1/haproxy.cfg'), haproxyConfig(ADDRESSES));
  writeFileSync(join('balancer1/upstream.conf'), nginxUpstream(ADDRESSES));
  writeFileSync(join('balancer1/nginx.conf'), nginxConfig('/srv/upstream.conf'));
  const haproxy = `mkdir /run/haproxy && ${program('haproxy')} -D -p /run/haproxy/pid -f /srv/haproxy.cfg`;
  const balancer = own(
    await bootMachine({
      name: 'balancer1',
      address: '10.77.0.10',
      boot: bootScript({ srv: join('balancer1'), keys: dir, also: haproxy }),
    }),
  );
  const apps: Machine[] = [];
  for (const [name, address] of Object.entries(ADDRESSES)) {
    mkdirSync(join(name));
    copyFileSync(inRepo('nginx/graceful-plain.conf'), join(name, 'app.conf'));
    writeFileSync(join(name, 'nginx.conf'), nginxConfig('/srv/app.conf'));
    const boot = bootScript({ srv: join(name), keys: dir, local: `${bin}/..` });
    apps.push(own(await bootMachine({ name, address, boot })));
  }
  const control = own(await bootMachine({ name: 'control', address: '10.77.0.1', boot: idle() }));
  connectMachines([balancer, ...apps, control]);
  await until('the servers are up', () =>
    [...apps.map((app) => [app, 80] as const), ...Object.values(PORT).map((port) => [balancer, port] as const)].every(
      ([machine, port]) => machine.listens(port) && machine.listens(22),
    ),
  );
  return { dir, apps, balancer, control, sshKey: join('key') };
}
