// Every command in every situation that it is made for.
import { join } from 'node:path';
import { commit, git } from '../../releases/site.ts';
import { runs } from '../../rig/processes.ts';
import type { TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import { turnstileHooks } from '../kit/turnstile.ts';

/** The backend that the link leads to, or the one that it does not. */
export type Victim = 'active' | 'other';

export interface Deed {
  readonly name: string;
  readonly args: readonly string[];
  /** Brings the app there, with commands that are not traced. */
  readonly situation: (app: TestApp) => Promise<unknown>;
  /** Who runs when it begins. */
  readonly running: readonly Victim[];
  /** Why connects may fail meanwhile; null where the app serves before and after. */
  readonly mayRefuse: string | null;
  readonly desired: 'up' | 'down';
  /** Traffic is led to a backend that was there before. */
  readonly movesToWarm: boolean;
  /** Even where it finds nothing to do; then nothing of a killed one is left. */
  readonly takesLock: boolean;
  /** Done once it is refused: there is nothing left to do. */
  readonly isOnce: boolean;
  /** A backend is more than one process. */
  readonly hasWorkers: boolean;
  /** Some clients' requests take half a second, so that there is something to drain. */
  readonly slowClients: number;
  /** With a backend killed by somebody else, the command may rightly be refused. */
  readonly againMay: readonly number[];
  readonly config: (dir: string) => Readonly<Record<string, unknown>>;
  /** Whose deaths make a supervisor do this by itself, where no command is needed. */
  readonly provoke: readonly ('a' | 'b')[] | null;
}

const bothUp = (app: TestApp) => app.succeed('start', '--all');
const nothing = async (): Promise<void> => undefined;
const taken = 'the app is taken down';
const notYet = 'nothing served before';

const deed = (name: string, args: readonly string[], rest: Partial<Deed> = {}): Deed => ({
  name,
  args,
  situation: bothUp,
  running: ['active', 'other'],
  mayRefuse: null,
  desired: 'up',
  movesToWarm: false,
  takesLock: args[0] !== 'keepalive' && !args.includes('--inactive'),
  isOnce: false,
  hasWorkers: false,
  slowClients: 0,
  againMay: [0],
  config: () => ({}),
  provoke: null,
  ...rest,
});

/** Waits until it has certainly gone: what follows is about a death, not about dying. */
export async function killBackend(app: TestApp, slot: 'a' | 'b'): Promise<void> {
  const pid = app.pid(slot);
  if (pid === null) return;
  process.kill(pid, 'SIGKILL');
  await until('the backend has gone', () => !runs(pid));
}

const afterDeathOf =
  (...slots: readonly ('a' | 'b')[]) =>
  async (app: TestApp): Promise<void> => {
    await bothUp(app);
    for (const slot of slots) await killBackend(app, slot);
  };

/** A slot of several processes with one socket, which is ours. */
const WORKERS = { listen: 'inherit', workers: 2 };

/** Two commits; the second one is to be deployed. */
const committed = async (app: TestApp): Promise<void> => {
  git(app.dir, 'init', '-q');
  commit(app.dir, 'v1');
  await app.succeed('update');
  commit(app.dir, 'v2');
};

const twoVersions = async (app: TestApp): Promise<void> => {
  await app.succeed('update');
  app.deploy('2', { APP_ON_SIGTERM: 'exit' });
  await app.succeed('update');
};

const afterStop = async (app: TestApp): Promise<void> => {
  await app.succeed('start');
  await app.succeed('stop', '--all');
};

export const DEEDS: readonly Deed[] = [
  deed('start', ['start'], { situation: nothing, running: [], mayRefuse: notYet }),
  deed('start --all after stop --all', ['start', '--all'], { situation: afterStop, running: [], mayRefuse: notYet }),
  deed('stop a', ['stop', 'a'], { movesToWarm: true, slowClients: 1, againMay: [0, 1] }),
  deed('stop --all', ['stop', '--all'], { mayRefuse: taken, desired: 'down' }),
  deed('stop --inactive', ['stop', '--inactive']),
  deed('switch b', ['switch', 'b'], { movesToWarm: true, againMay: [0, 1] }),
  deed('restart a', ['restart', 'a'], { movesToWarm: true }),
  deed('restart --all', ['restart', '--all'], { movesToWarm: true }),
  deed('update', ['update']),
  deed('update, with hooks', ['update'], { config: (dir) => ({ hooks: turnstileHooks(dir) }) }),
  deed('update, the first', ['update'], { situation: nothing, running: [], mayRefuse: notYet }),
  deed('update --stop-old', ['update', '--stop-old'], { slowClients: 1 }),
  deed('rollback', ['rollback'], { situation: twoVersions, movesToWarm: true, isOnce: true, againMay: [0, 1] }),
  deed('update, two workers', ['update'], { hasWorkers: true, config: () => WORKERS }),
  deed('update, a git release', ['update'], {
    situation: committed,
    running: ['active'],
    config: (dir) => ({ release: { type: 'git', prepare: turnstileHooks(dir).beforeStart } }),
  }),
  deed('update --watch', ['update', '--watch', '200ms']),
  deed('update --dry-run', ['update', '--dry-run'], { takesLock: false }),
  deed('keepalive, healthy', ['keepalive']),
  deed('keepalive, the active one dead', ['keepalive'], {
    situation: afterDeathOf('a'),
    running: ['other'],
    mayRefuse: 'the active backend is dead',
    movesToWarm: true,
    provoke: ['a'],
  }),
  deed('keepalive, the leader of the active workers dead', ['keepalive'], {
    situation: afterDeathOf('a'),
    running: ['other'],
    mayRefuse: 'the leader of the active backend is dead',
    movesToWarm: true,
    provoke: ['a'],
    hasWorkers: true,
    config: () => WORKERS,
  }),
  deed('keepalive, both dead', ['keepalive'], {
    situation: afterDeathOf('a', 'b'),
    running: [],
    mayRefuse: 'both backends are dead',
    provoke: ['b', 'a'],
  }),
  deed('keepalive, desired down', ['keepalive'], {
    situation: afterStop,
    running: [],
    mayRefuse: taken,
    desired: 'down',
  }),
];

/** A supervisor that begins, and then hears an update. */
export const STARTS: readonly Deed[] = [
  deed('run, with both backends alive', ['update']),
  deed('run, with both backends dead', ['update'], {
    situation: afterDeathOf('a', 'b'),
    running: [],
    mayRefuse: 'both backends are dead',
  }),
];

/** Where strace writes. */
export const logOf = (app: TestApp): string => join(app.dir, 'strace.log');
