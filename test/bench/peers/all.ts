// Who takes part.
import { blueGreen } from './blue-green.ts';
import { graceful } from './graceful.ts';
import { gunicorn } from './gunicorn.ts';
import type { Peer } from './peer.ts';
import { pm2 } from './pm2.ts';
import { serverStarter } from './server-starter.ts';
import { supervisord } from './supervisord.ts';

export const PEERS: readonly Peer[] = [
  graceful({ host: 'one-shot', config: 'plain', language: 'node' }),
  graceful({ host: 'supervisor', config: 'plain', language: 'node' }),
  blueGreen('haproxy'),
  blueGreen('nginx'),
  serverStarter('plain'),
  pm2('default'),
  pm2('wait_ready'),
  supervisord,
  graceful({ host: 'one-shot', config: 'keepalive', language: 'node' }),
  graceful({ host: 'supervisor', config: 'keepalive', language: 'node' }),
  serverStarter('keepalive'),
  pm2('default', 'keepalive'),
  pm2('wait_ready', 'keepalive'),
  graceful({ host: 'one-shot', config: 'plain', language: 'python' }),
  gunicorn,
];
