// The commands that are tried, each from a state in which it has most to do.

import { monotonicMs } from '../../../src/core/clock.ts';
import type { TestApp } from '../../rig/test-app.ts';
import type { Excuse } from '../kit/excuses.ts';
import type { Deed } from '../kit/invariants.ts';
import { recordOf } from '../kit/state-files.ts';

export interface TriedCommand {
  readonly name: string;
  readonly args: readonly string[];
  /** From an empty state dir. */
  prepare(app: TestApp): Promise<unknown>;
  /** Right before the command: what it is to repair. Returns what that may cost. */
  accident?(app: TestApp): Excuse;
  /** What nothing served before, or the command takes away. */
  readonly excuse?: Excuse;
  /** A command that takes the lock, to see that all is well. */
  readonly deed: Deed;
}

const killActive = (app: TestApp): Excuse => {
  const active = app.active() ?? 'a';
  const excuse: Excuse = {
    why: 'the active backend was killed',
    covers: 'all',
    since: monotonicMs(),
    dead: [recordOf(app, active)?.instance ?? null],
  };
  process.kill(app.pid(active) as number, 'SIGKILL');
  return excuse;
};

const SERVES: Deed = { again: ['update'] };

export const COMMANDS: readonly TriedCommand[] = [
  {
    name: 'first start',
    args: ['start'],
    prepare: async () => undefined,
    excuse: { why: 'nothing has been started yet', covers: 'connects', since: Number.NEGATIVE_INFINITY },
    deed: SERVES,
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
    excuse: {
      why: 'the app is taken down',
      covers: 'connects',
      since: Number.NEGATIVE_INFINITY,
      until: Number.POSITIVE_INFINITY,
    },
    deed: { again: ['stop', '--all'], desired: 'down' },
  },
  {
    name: 'keepalive that starts',
    args: ['keepalive'],
    prepare: (app) => app.succeed('start'),
    accident: killActive,
    deed: SERVES,
  },
  {
    name: 'keepalive that switches',
    args: ['keepalive'],
    prepare: (app) => app.succeed('start', '--all'),
    accident: killActive,
    deed: SERVES,
  },
  { name: 'status', args: ['status'], prepare: (app) => app.succeed('start'), deed: SERVES },
];
