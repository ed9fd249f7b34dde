// The commands that are tried, each from a state in which it has most to do.

import type { TestApp } from '../../rig/test-app.ts';
import type { Deed } from '../kit/invariants.ts';

export interface TriedCommand {
  readonly name: string;
  readonly args: readonly string[];
  /** From an empty state dir. */
  prepare(app: TestApp): Promise<unknown>;
  /** Right before the command: what it is to repair. */
  accident?(app: TestApp): void;
  /** What the accident and the command by themselves may cost, and a command that takes the lock, to see that all is well. */
  readonly deed: Deed;
}

const killActive = (app: TestApp): void => {
  const active = app.active();
  const pid = active === null ? null : app.pid(active);
  if (pid !== null) process.kill(pid, 'SIGKILL');
};

const SERVES: Deed = { again: ['update'] };

export const COMMANDS: readonly TriedCommand[] = [
  {
    name: 'first start',
    args: ['start'],
    prepare: async () => undefined,
    deed: { mayRefuse: 'nothing has been started yet', again: ['update'] },
  },
  { name: 'update', args: ['update'], prepare: (app) => app.succeed('start'), deed: SERVES },
  {
    name: 'update that replaces one',
    args: ['update'],
    prepare: (app) => app.succeed('start', '--all'),
    deed: SERVES,
  },
  {
    name: 'switch',
    args: ['switch', 'b'],
    prepare: (app) => app.succeed('start', '--all'),
    deed: SERVES,
  },
  {
    name: 'restart',
    args: ['restart', 'a'],
    prepare: (app) => app.succeed('start'),
    deed: SERVES,
  },
  {
    name: 'stop --inactive',
    args: ['stop', '--inactive'],
    prepare: (app) => app.succeed('start', '--all'),
    deed: SERVES,
  },
  {
    name: 'stop --all',
    args: ['stop', '--all'],
    prepare: (app) => app.succeed('start'),
    deed: { mayRefuse: 'the app is taken down', again: ['stop', '--all'], desired: 'down' },
  },
  {
    name: 'keepalive that starts',
    args: ['keepalive'],
    prepare: (app) => app.succeed('start'),
    accident: killActive,
    deed: { mayLose: 'the only backend was killed', again: ['update'] },
  },
  {
    name: 'keepalive that switches',
    args: ['keepalive'],
    prepare: (app) => app.succeed('start', '--all'),
    accident: killActive,
    deed: { mayLose: 'the active backend was killed', again: ['update'] },
  },
  { name: 'status', args: ['status'], prepare: (app) => app.succeed('start'), deed: SERVES },
];
