// How a command is told to listen on the slot's socket: in its arguments where its server has one for that, else in its
// environment, else by the one who wrote it.
import { basename } from 'node:path';
import { PORT_VARIABLE } from './command-line.ts';
import type { Loss } from './draft.ts';
import { findServer } from './servers.ts';
import { changeWords, commandsIn } from './shell-text.ts';

export interface Listening {
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** What was done, or what remains to be done. */
  readonly says: string;
  readonly lost: readonly Loss[];
}

const NODE = /^(?:node|nodejs|npm|npx|pnpm|yarn|tsx|ts-node|nodemon)$/;

const TOOK_A_PORT =
  '$PORT was a port number here; {socket}, which stands in its place now, is the path of a unix socket. A program that takes no path there needs its option for a unix socket; a Node app can have a port number there, with listen: redirect.';

/** The same command with its socket in it. */
export function listenOnSocket(given: readonly string[]): Listening {
  const served = byItsServer(given);
  const commanded = served?.argv ?? given;
  const argv = commanded.map((word) => word.replace(PORT_VARIABLE, '{socket}'));
  const tookPort = argv.some((word, index) => word !== commanded[index]);
  if (served !== null)
    return { argv, env: {}, says: tookPort ? `${served.says} ${TOOK_A_PORT}` : served.says, lost: served.lost };
  const untouched = { argv, env: {}, lost: [] };
  if (tookPort) return { ...untouched, says: TOOK_A_PORT };
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

type Served = Omit<Listening, 'env'>;

/** Null where no server of the table is started. */
function byItsServer(argv: readonly string[]): Served | null {
  const textAt = shellTextAt(argv);
  if (textAt !== null) {
    const inText = servedInText(argv[textAt] ?? '');
    return inText === null ? null : { ...inText, argv: argv.with(textAt, inText.text) };
  }
  const server = findServer(argv);
  if (server === null) return null;
  const { name, at, there, unwanted, lost } = server;
  const kept = argv.filter((_, index) => index > at && !unwanted.includes(index));
  return { argv: [...argv.slice(0, at + 1), ...there, ...kept], says: listensBy(name, there), lost };
}

/** The index of the text that a shell is given to run. */
function shellTextAt(argv: readonly string[]): number | null {
  if (!/^(?:ba|da|a|k|z)?sh$/.test(basename(argv[0] ?? ''))) return null;
  const at = argv.findIndex((word, index) => index > 0 && /^-[a-z]*c$/.test(word));
  return at === -1 || at + 1 >= argv.length ? null : at + 1;
}

/** The last command that is a server: what comes before it prepares, and may have its name in it. */
function servedInText(text: string): (Omit<Served, 'argv'> & { readonly text: string }) | null {
  for (const words of [...commandsIn(text)].reverse()) {
    const server = findServer(words.map((word) => word.text));
    const after = words[server?.at ?? -1];
    if (server === null || after === undefined) continue;
    const { name, there, lost } = server;
    const unwanted = words.filter((_, index) => server.unwanted.includes(index));
    return { text: changeWords(text, { unwanted, after, added: there }), says: listensBy(name, there), lost };
  }
  return null;
}

const listensBy = (name: string, there: readonly string[]): string =>
  `${name} listens on the slot's socket by ${there.join(' ')}.`;
