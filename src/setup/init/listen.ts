// How each kind of server is told to listen on the slot's socket: in its arguments where it has one for that, else in its
// environment, else by the one who wrote it.
import { basename } from 'node:path';
import type { Loss } from './draft.ts';

export interface Listening {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What was done, or what remains to be done. */
  readonly says: string;
  readonly lost: readonly Loss[];
}

interface Server {
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

const NODE = /^(?:node|nodejs|npm|npx|pnpm|yarn|tsx|ts-node|nodemon)$/;

/** The same command with its socket in it. One that names `{socket}` or GRACEFUL_SOCKET already is left alone. */
export function listenOnSocket(argv: readonly string[]): Listening {
  const untouched = { argv, env: {}, lost: [] };
  const at = argv.slice(0, 4).findIndex((word) => Object.hasOwn(SERVERS, basename(word)));
  const name = basename(argv[at] ?? '');
  const server = SERVERS[name];
  if (server !== undefined) {
    const { kept, dropped } = without(server, argv.slice(at + 1));
    return {
      argv: [...argv.slice(0, at + 1), ...server.there, ...kept],
      env: {},
      says: `${name} listens on the slot's socket by ${server.there.join(' ')}.`,
      lost: dropped,
    };
  }
  if (argv.some((word) => /\{socket\}|\$\{?GRACEFUL_SOCKET/.test(word)))
    return { ...untouched, says: 'The command names the socket of its slot.' };
  const [program = ''] = argv;
  if (/^php-fpm/.test(basename(program)))
    return { ...untouched, says: `It listens by its own file: listen = \${GRACEFUL_SOCKET}` };
  if (NODE.test(basename(program)) || program.includes('node_modules/.bin/'))
    return {
      ...untouched,
      env: { PORT: '{socket}' },
      says: "PORT is a path: Node's server.listen(process.env.PORT) takes one. An app that makes a number of it (Number, parseInt, +) has to listen on process.env.GRACEFUL_SOCKET instead, or needs listen: redirect in place of this PORT.",
    };
  return {
    ...untouched,
    says: 'The app has to listen on the unix socket in $GRACEFUL_SOCKET; or put {socket} into the command where it takes a path.',
  };
}

function without({ where, unwanted = {}, valued = [] }: Server, args: readonly string[]) {
  const withValue = [...where, ...valued];
  const kept: string[] = [];
  const dropped: Loss[] = [];
  for (let index = 0; index < args.length; index++) {
    const arg = args[index] ?? '';
    const flag = arg.startsWith('--') ? (arg.split('=')[0] ?? '') : arg.slice(0, 2);
    if (!withValue.includes(flag) && !Object.hasOwn(unwanted, flag)) {
      kept.push(arg);
      continue;
    }
    const isAlone = arg === flag && withValue.includes(flag);
    const value = isAlone ? ` ${args[++index] ?? ''}` : '';
    const why = unwanted[flag] ?? 'each slot has a socket of its own';
    if (!/\{socket\}/.test(`${arg}${value}`)) dropped.push({ what: `${arg}${value}`, why });
  }
  return { kept, dropped };
}
