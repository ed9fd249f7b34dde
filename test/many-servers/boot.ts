// What a server of these tests is when it has booted: /srv and /run of its own, graceful as npm installs it, sshd, nginx.
import { BOOTED } from './machine.ts';
import { program } from './programs.ts';

export interface Boot {
  /** What its /srv is. */
  readonly srv: string;
  /** Where the keys and the settings of sshd are. */
  readonly keys: string;
  /** What its /usr/local is. */
  readonly local?: string;
  readonly also?: string;
}

/** A script for {@link bootMachine}. */
export const bootScript = ({ srv, keys, local, also = '' }: Boot): string => `
${local === undefined ? '' : `mount --bind ${local} /usr/local`}
mount --bind ${srv} /srv
mount -t tmpfs -o mode=755 tmpfs /run
mount --bind ${keys}/shadow /etc/shadow
mkdir -p /run/sshd /run/nginx
${program('nginx')} -p /run/nginx -e /run/nginx/error.log -c /srv/nginx.conf
${also}
echo ${BOOTED}
exec ${program('tini')} -- ${program('sshd')} -D -e -f ${keys}/sshd_config
`;

/** Of a machine that only has a network. */
export const idle = (): string => `echo ${BOOTED}; exec ${program('tini')} -- sleep infinity`;

/** Root may log in by the key, whatever this machine's own root may. */
export const sshdFiles = (keys: string): Readonly<Record<string, string>> => ({
  shadow: 'root:*:20000:0:99999:7:::\n',
  sshd_config: `
ListenAddress 0.0.0.0
HostKey ${keys}/host-key
AuthorizedKeysFile ${keys}/key.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM no
UseDNS no
PidFile none
`,
});

export const nginxConfig = (include: string): string => `
user www-data;
worker_processes 1;
pid /run/nginx/nginx.pid;
error_log /run/nginx/error.log warn;
events { worker_connections 256; }
http {
  access_log off;
  client_body_temp_path /run/nginx/body;
  proxy_temp_path /run/nginx/proxy;
  fastcgi_temp_path /run/nginx/fastcgi;
  uwsgi_temp_path /run/nginx/uwsgi;
  scgi_temp_path /run/nginx/scgi;
  include ${include};
}
`;
