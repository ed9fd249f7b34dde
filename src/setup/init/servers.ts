// The servers whose options are known, and how each is told to listen on the slot's socket.
import { basename } from 'node:path';
import type { Loss } from './draft.ts';

export interface Server {
  /** Flags with a value that say where to listen. */
  readonly where: readonly string[];
  /** What takes their place. */
  readonly there: readonly string[];
  /** Flags that a backend of graceful must not have, and why. Those in `valued` take a value. */
  readonly unwanted?: Readonly<Record<string, string>>;
  readonly valued?: readonly string[];
}

const FOREGROUND = 'a backend stays in the foreground';
const ONE_FILE = 'both slots would write the same file; graceful keeps the pids';

const SERVERS: Readonly<Record<string, Server>> = {
  gunicorn: {
    where: ['-b', '--bind'],
    there: ['--bind', 'unix:{socket}'],
    unwanted: { '-D': FOREGROUND, '--daemon': FOREGROUND, '-p': ONE_FILE, '--pid': ONE_FILE },
    valued: ['-p', '--pid'],
  },
  uvicorn: { where: ['--host', '--port', '--uds', '--fd'], there: ['--uds', '{socket}'] },
  hypercorn: { where: ['-b', '--bind'], there: ['--bind', 'unix:{socket}'] },
  daphne: { where: ['-b', '--bind', '-p', '--port', '-u', '--unix-socket'], there: ['-u', '{socket}'] },
  puma: {
    where: ['-b', '--bind', '-p', '--port'],
    there: ['-b', 'unix://{socket}'],
    unwanted: { '--pidfile': ONE_FILE, '-S': ONE_FILE, '--state': ONE_FILE },
    valued: ['--pidfile', '-S', '--state'],
  },
};

/** A server of the table in the words of one command. */
export interface FoundServer {
  readonly name: string;
  /** Index of its word. */
  readonly at: number;
  readonly there: readonly string[];
  /** Indices of the words that have to go. */
  readonly unwanted: readonly number[];
  /** Those of them that said something else than where to listen. */
  readonly lost: readonly Loss[];
}

/** By its name, behind what may stand before a server: `python -m`, `bundle exec`. */
export function findServer(words: readonly string[]): FoundServer | null {
  const at = words.slice(0, 4).findIndex((word) => Object.hasOwn(SERVERS, basename(word)));
  const name = basename(words[at] ?? '');
  const server = SERVERS[name];
  return server === undefined ? null : { name, at, there: server.there, ...unwantedIn(words, at + 1, server) };
}

/** An address that the flag of the slot's socket stands for: nobody has to be told that it went. */
const STANDS_FOR_THE_SOCKET = /\{socket\}|\$\{?(?:GRACEFUL_SOCKET|PORT)\b/;

function unwantedIn(words: readonly string[], from: number, { where, unwanted = {}, valued = [] }: Server) {
  const withValue = [...where, ...valued];
  const indices: number[] = [];
  const lost: Loss[] = [];
  for (let index = from; index < words.length; index++) {
    const word = words[index] ?? '';
    const flag = word.startsWith('--') ? (word.split('=')[0] ?? '') : word.slice(0, 2);
    if (!withValue.includes(flag) && !Object.hasOwn(unwanted, flag)) continue;
    indices.push(index);
    let what = word;
    if (word === flag && withValue.includes(flag) && index + 1 < words.length) {
      index += 1;
      indices.push(index);
      what += ` ${words[index]}`;
    }
    if (!STANDS_FOR_THE_SOCKET.test(what))
      lost.push({ what, why: unwanted[flag] ?? 'each slot has a socket of its own' });
  }
  return { unwanted: indices, lost };
}
