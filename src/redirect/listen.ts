// `net.Server.prototype.listen`, as it is and as we want it: http, https, http2 and tls servers have it from there.
import { mkdtempSync, rmSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forgetAddresses, tellAddresses } from './addresses.ts';
import { type Asked, askedOf } from './asked.ts';
import { type Place, slotPlace } from './place.ts';

/** Of those who wait to be accepted: who finds a unix socket's queue full is refused, where TCP would let him wait. */
const BACKLOG = 4096;

interface Move {
  readonly asked: Asked;
  readonly place: Place;
  /** However it ends. */
  settled(): void;
}

type Listen = (this: Server, ...args: unknown[]) => Server;

export function redirectListen(socket: string): void {
  const prototype = Server.prototype as unknown as { listen: Listen };
  const original = prototype.listen;
  const choose = chooser(socket);
  prototype.listen = function listen(...args) {
    let move: Move | null = null;
    try {
      move = this.listening ? null : choose(this, args);
    } catch (error) {
      say(error);
    }
    return move === null ? original.apply(this, args) : moveListen(original, this, args, move);
  };
}

/** Which listen is the app's: the first one of the process, or the one with the port that is in PORT. */
function chooser(socket: string): (server: Server, args: readonly unknown[]) => Move | null {
  let port = portOfEnvironment();
  let holder: Server | null = null;
  let isPending = false;
  return (server, args) => {
    const asked = askedOf(args);
    if (asked === null || (port !== null && asked.port !== port)) return null;
    // Fastify listens at each address of localhost.
    if (holder !== null && (isPending || holder.listening)) return asked.port === 0 ? null : nowhere(asked);
    const place = slotPlace(socket, isClusterWorker());
    port = asked.port;
    holder = server;
    isPending = true;
    return {
      asked,
      place,
      settled() {
        isPending = false;
      },
    };
  };
}

/** A socket that nobody can find: the server listens, can be closed, and is asked nothing. */
function nowhere(asked: Asked): Move {
  const directory = mkdtempSync(join(tmpdir(), 'graceful-'));
  return {
    asked,
    place: { path: join(directory, 'socket') },
    settled: () => rmSync(directory, { recursive: true, force: true }),
  };
}

function moveListen(
  original: Listen,
  server: Server,
  args: readonly unknown[],
  { asked, place, settled }: Move,
): Server {
  const { callback, signal } = asked;
  const hadOwn = Object.hasOwn(server, 'emit');
  const emit = server.emit;
  const settle = (): void => {
    if (hadOwn) server.emit = emit;
    else Reflect.deleteProperty(server, 'emit');
    settled();
  };
  // How a listen ends is told by an event only, and that the path could not be bound is not for the app to hear.
  server.emit = (event: string, ...values: readonly unknown[]): boolean => {
    if (event !== 'listening' && event !== 'error') return Reflect.apply(emit, server, [event, ...values]);
    settle();
    if (event === 'listening' || !isOfListen(values[0])) return Reflect.apply(emit, server, [event, ...values]);
    say(values[0]);
    forgetAddresses(server);
    original.apply(server, args.slice(0, callback === null ? args.length : -1));
    return true;
  };
  tellAddresses(server, asked);
  const options = { ...place, backlog: Math.max(asked.backlog ?? 0, BACKLOG), ...(signal === null ? {} : { signal }) };
  try {
    return original.apply(server, callback === null ? [options] : [options, callback]);
  } catch (error) {
    settle();
    forgetAddresses(server);
    throw error;
  }
}

const isOfListen = (error: unknown): boolean =>
  ['listen', 'bind', 'open'].includes(String((error as NodeJS.ErrnoException | undefined)?.syscall));

/** What is no port counts as none: a path, or 0. */
function portOfEnvironment(): number | null {
  const port = Number(process.env['PORT']);
  return Number.isInteger(port) && port > 0 && port <= 65_535 ? port : null;
}

/** Asked when there is a listen: to load node:cluster costs those who never do. */
const isClusterWorker = (): boolean =>
  (createRequire(__filename)('node:cluster') as typeof import('node:cluster').default).isWorker;

let hasSpoken = false;

/** One line in the backend's log. */
export function say(reason: unknown): void {
  if (hasSpoken) return;
  hasSpoken = true;
  try {
    writeSync(
      2,
      `graceful: listen: redirect left a port as it is: ${reason instanceof Error ? reason.message : reason}\n`,
    );
  } catch {
    // stderr is closed, or its pipe is full.
  }
}
