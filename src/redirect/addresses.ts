// What the app is told of addresses: the port that it asked for, and clients that come from this machine, as they would
// through a proxy that speaks TCP to it.
import { type AddressInfo, isIP, type Server, type Socket } from 'node:net';
import type { Asked } from './asked.ts';

const LOOPBACK = '127.0.0.1';

export function addressOf({ host, port }: Asked): AddressInfo {
  const address = host === null ? '::' : isIP(host) === 0 ? LOOPBACK : host;
  return { address, family: isIP(address) === 6 ? 'IPv6' : 'IPv4', port };
}

const told = new WeakSet<Server>();

/** `server.address()` of a server that listens at a unix socket, and the addresses of its connections. */
export function tellAddresses(server: Server, asked: Asked): void {
  const address = addressOf(asked);
  server.address = () => (server.listening ? { ...address } : null);
  if (told.has(server)) return;
  told.add(server);
  // Before the listener of http, which hands the socket to the app.
  server.prependListener('connection', (socket) => tellOf(socket, asked.port));
}

export const forgetAddresses = (server: Server): void => {
  Reflect.deleteProperty(server, 'address');
};

type FillIn = (out: Record<string, unknown>) => number;

interface Handle {
  getpeername?: FillIn;
  getsockname?: FillIn;
}

/** A pipe's handle has no such functions, a TCP handle has; net.Socket and tls ask them for remoteAddress and the like. */
function tellOf(socket: Socket, port: number): void {
  const { _handle: handle } = socket as unknown as { readonly _handle: Handle | null };
  if (!handle || handle.getpeername !== undefined) return;
  handle.getpeername = (out) => fillIn(out, 0);
  handle.getsockname = (out) => fillIn(out, port);
}

function fillIn(out: Record<string, unknown>, port: number): 0 {
  Object.assign(out, { address: LOOPBACK, family: 'IPv4', port });
  return 0;
}
