// nginx as all peers get it: the configuration that we ship, with the peer's own address in place of the link.
import { type Nginx, startNginx } from '../../rig/nginx.ts';

/** `unix:/path` or `127.0.0.1:8000`. */
export const nginxBefore = (address: string, config: 'plain' | 'keepalive' = 'plain'): Promise<Nginx> =>
  startNginx({
    config,
    socketPath: '/bench/app.socket',
    edit: (text) => replaceOnce(text, 'unix:/bench/app.socket', address),
  });

/** With `include FILE` where `proxy_pass` stands: for a deploy that rewrites the file and reloads nginx. */
export const nginxIncluding = (file: string): Promise<Nginx> =>
  startNginx({
    config: 'plain',
    socketPath: '/bench/app.socket',
    edit: (text) => replaceOnce(text, 'proxy_pass http://unix:/bench/app.socket;', `include ${file};`),
  });

function replaceOnce(text: string, token: string, replacement: string): string {
  const parts = text.split(token);
  if (parts.length !== 2) throw new Error(`expected '${token}' once in the shipped configuration`);
  return parts.join(replacement);
}
