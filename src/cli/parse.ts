// The command line as a tagged union, or a `usage` failure that says what to type instead.
import { MAX_TIMER_MS } from '../config/duration.ts';
import { fail } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import { type Arguments, durationOf, flagsOf, readArguments } from './arguments.ts';
import type { CommandName, FlagName, GlobalFlagName } from './commands.ts';
import type { Shell } from './completion/completion.ts';
import type { Globals, Invocation } from './invocation.ts';
import { parseListenAddress } from './listen-address.ts';
import { contradiction, refuseAmbiguous, slotsOf } from './selection.ts';
import { setupInvocation } from './setup-invocation.ts';
import { UnknownWord } from './suggest.ts';

/**
 * What `argv` (without node and the script) asks for.
 *
 * @throws GracefulError `usage`, with a hint, when it makes no sense.
 */
export const parseCommandLine = async (argv: readonly string[]): Promise<Invocation> => {
  try {
    return interpret(argv);
  } catch (thrown) {
    throw thrown instanceof UnknownWord ? await thrown.asFailure() : thrown;
  }
};

/** The global flags as far as they can be told from a command line that may make no sense: enough to print the failure as asked. */
export const guessGlobals = (argv: readonly string[]): Globals => ({
  config: null,
  stateDir: null,
  json: argv.includes('--json'),
  quiet: argv.includes('-q') || argv.includes('--quiet'),
  noColor: argv.includes('--no-color'),
});

const interpret = (argv: readonly string[]): Invocation => {
  // `graceful help update` is what a hand types that learned it from git.
  if (argv[0] === 'help') return interpret([...argv.slice(1), '--help']);
  const args = readArguments(argv);
  if (args.instead === 'help') return { kind: 'help', command: args.command };
  if (args.instead === 'version') return { kind: 'version' };
  if (args.command === null) return { kind: 'none', globals: globalsOf(args) };
  return BUILDERS[args.command](new Given(args, args.command) as never);
};

/** What was given to one command; asking for a flag that it does not have is a type error. */
class Given<Name extends CommandName> {
  readonly globals: Globals;
  readonly slots: readonly Slot[];
  readonly words: readonly string[];
  readonly #args: Arguments;
  readonly #command: Name;

  constructor(args: Arguments, command: Name) {
    this.#args = args;
    this.#command = command;
    this.globals = globalsOf(args);
    this.slots = slotsOf(args.words, command);
    this.words = args.words;
  }

  has(flag: FlagName<Name>): boolean {
    return this.#args.flags.has(flag);
  }

  /** The value, else the default of the table, else null. */
  text(flag: FlagName<Name>): string | null {
    return this.#args.flags.get(flag)?.at(-1) ?? flagsOf(this.#command)[flag]?.default ?? null;
  }

  /** Every value of a flag that may be given more than once. */
  texts(flag: FlagName<Name>): readonly string[] {
    return this.#args.flags.get(flag) ?? [];
  }

  /** The same, as milliseconds. */
  ms(flag: FlagName<Name>): number | null {
    const text = this.text(flag);
    return text === null ? null : durationOf(text);
  }

  /** The same, as a number. */
  count(flag: FlagName<Name>): number {
    return Number(this.text(flag));
  }

  /** The same for what a timer will be set to: a longer one would fire at once. */
  timerMs(flag: FlagName<Name>): number {
    return Math.min(this.ms(flag) ?? 0, MAX_TIMER_MS);
  }
}

const BUILDERS: { readonly [Name in CommandName]: (given: Given<Name>) => Invocation } = {
  start: (given) => {
    const input = { slots: given.slots, all: given.has('all'), ...releaseOf(given.text('release')) };
    refuseAmbiguous('start', input);
    return { kind: 'operation', operation: 'start', input, waitMs: given.timerMs('wait'), globals: given.globals };
  },
  stop: (given) => {
    const inactive = given.has('inactive');
    const input = {
      slots: given.slots,
      all: given.has('all'),
      inactive,
      olderThanMs: given.ms('older-than'),
      force: given.has('force'),
    };
    refuseAmbiguous('stop', input);
    if (input.olderThanMs !== null && !inactive) {
      throw fail('usage', '--older-than needs --inactive', {
        hint: `graceful stop --inactive --older-than ${given.text('older-than')}`,
      });
    }
    // Meant for cron, which calls again soon: not worth waiting unless that was asked for.
    const waitMs = inactive && !given.has('wait') ? 0 : given.timerMs('wait');
    return { kind: 'operation', operation: 'stop', input, waitMs, globals: given.globals };
  },
  restart: (given) => {
    const input = { slots: given.slots, all: given.has('all'), inactive: given.has('inactive') };
    refuseAmbiguous('restart', input);
    return { kind: 'operation', operation: 'restart', input, waitMs: given.timerMs('wait'), globals: given.globals };
  },
  switch: (given) => ({
    kind: 'operation',
    operation: 'switch',
    input: { slot: given.slots[0] ?? null },
    waitMs: given.timerMs('wait'),
    globals: given.globals,
  }),
  rollback: (given) => ({
    kind: 'operation',
    operation: 'rollback',
    input: {},
    waitMs: given.timerMs('wait'),
    globals: given.globals,
  }),
  status: (given) => {
    const interval = given.text('interval');
    if (given.has('interval') && !given.has('watch')) {
      throw fail('usage', '--interval needs --watch', { hint: `graceful status --watch --interval ${interval}` });
    }
    const intervalMs = given.timerMs('interval');
    if (intervalMs < SHORTEST_INTERVAL_MS) {
      throw fail('usage', `--interval: found ${interval}, expected at least ${SHORTEST_INTERVAL_MS}ms`, {});
    }
    return { kind: 'status', watch: given.has('watch'), intervalMs, globals: given.globals };
  },
  update: (given) => {
    // 0s: not at all.
    const release = releaseOf(given.text('release'));
    const input = { stopOld: given.has('stop-old'), watchMs: given.timerMs('watch') || null, ...release };
    const waitMs = given.timerMs('wait');
    const operation = given.has('dry-run') ? 'plan' : 'update';
    return { kind: 'operation', operation, input, waitMs, globals: given.globals };
  },
  keepalive: (given) => ({
    kind: 'operation',
    operation: 'keepalive',
    input: {},
    waitMs: given.timerMs('wait'),
    globals: given.globals,
  }),
  doctor: (given) => ({
    kind: 'doctor',
    strict: given.has('strict'),
    proxyUser: given.text('proxy-user'),
    nginxConfig: given.text('nginx-config'),
    globals: given.globals,
  }),
  history: (given) => ({
    kind: 'history',
    limit: given.count('lines'),
    failedOnly: given.has('failed'),
    globals: given.globals,
  }),
  logs: (given) => {
    const active = given.has('active');
    const [slot] = given.slots;
    if (active && slot !== undefined) throw contradiction('logs', [slot, '--active']);
    return {
      kind: 'logs',
      what: active ? 'active' : (slot ?? 'both'),
      follow: given.has('follow'),
      lines: given.count('lines'),
      globals: given.globals,
    };
  },
  run: (given) => {
    const metricsListen = given.text('metrics-listen');
    return {
      kind: 'run',
      configs: given.texts('config'),
      metricsListen: metricsListen === null ? null : parseListenAddress('--metrics-listen', metricsListen),
      globals: given.globals,
    };
  },
  init: (given) => ({
    kind: 'init',
    options: {
      command: given.text('command'),
      name: given.text('name'),
      healthPath: given.text('health-path'),
      from: given.text('from'),
      app: given.text('app'),
      yes: given.has('yes'),
      force: given.has('force'),
      print: given.has('print'),
    },
    globals: given.globals,
  }),
  setup: (given) => setupInvocation(given),
  completion: (given) => {
    const [shell] = given.words as readonly Shell[];
    if (shell === undefined)
      throw fail('usage', 'completion needs to know which shell: bash, zsh or fish', {
        hint: '`source <(graceful completion bash)` for this session',
      });
    return { kind: 'completion', shell };
  },
  front: (given) => ({
    kind: 'front',
    listen: parseListenAddress('--listen', given.text('listen') ?? ''),
    globals: given.globals,
  }),
};

/** A look costs a health probe per slot: more often than this would be load, not information. */
const SHORTEST_INTERVAL_MS = 100;

const releaseOf = (release: string | null): { release?: string } => (release === null ? {} : { release });

const globalsOf = ({ flags }: Arguments): Globals => {
  const text = (name: GlobalFlagName): string | null => flags.get(name)?.at(-1) ?? null;
  return {
    config: text('config'),
    stateDir: text('state-dir'),
    json: flags.has('json'),
    quiet: flags.has('quiet'),
    noColor: flags.has('no-color'),
  };
};
