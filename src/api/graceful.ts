// What a program gets that imports us: the same operations, events and failures as the command line.
import { resolve } from 'node:path';
import type { GracefulConfigInput } from '../config/define-config.ts';
import { loadConfig } from '../config/load.ts';
import { normalize } from '../config/normalize.ts';
import type { Config } from '../core/config.ts';
import type { GracefulEvent, OperationName } from '../core/events.ts';
import { GracefulError } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import type { StatusReport } from '../core/status.ts';
import { status } from '../operations/status.ts';
import { type AppSystem, openAppSystem } from '../system/app-system.ts';
import { runOnEitherHost } from './either-host.ts';

export interface GracefulOptions {
  /** A configuration file, or the configuration itself. Without it, one is looked for as the command line would: from `cwd` upward. */
  readonly config?: string | GracefulConfigInput;
  /** What relative paths are relative to; the working directory by default. */
  readonly cwd?: string;
  /** Stronger than what the configuration says. */
  readonly stateDir?: string;
}

/** How one operation is to be carried out. */
export interface CallOptions {
  /** Told of each event as it happens. What it throws is thrown away: a listener cannot stop an operation. */
  readonly onEvent?: (event: GracefulEvent) => void;
  /** Asks to undo what was done so far, with the failure `aborted`. After a switch it is too late, which an event says, and nothing more is begun. */
  readonly signal?: AbortSignal;
  /** How long to wait for another operation, in milliseconds; then the failure is `busy`. As the command's own default. */
  readonly waitMs?: number;
}

/**
 * One app. Each method is the command of the same name: it resolves with the outcome, or rejects with a
 * {@link GracefulError} whose `failure` is what `--json` prints and whose `exitCode` the command would end with. Where a supervisor runs, it does
 * the work. Nothing is held between two calls: an object may be kept, or made anew each time.
 */
export interface Graceful {
  /** As it was read when the object was made. */
  readonly config: Config;
  /** Starts the named slots; without a name, the app. */
  start(
    options?: CallOptions & {
      readonly slots?: readonly Slot[];
      readonly all?: boolean;
      /** As for `update`: a directory, or with `release: git` a commit. */
      readonly release?: string | null;
    },
  ): Promise<Outcomes['start']>;
  /** Drains and stops. One of `slots`, `all` and `inactive` has to be given. */
  stop(
    options: CallOptions & {
      readonly slots?: readonly Slot[];
      readonly all?: boolean;
      readonly inactive?: boolean;
      /** With `inactive`: leaves alone what has been inactive for less. */
      readonly olderThanMs?: number;
      readonly force?: boolean;
    },
  ): Promise<Outcomes['stop']>;
  /** Stops and starts at no cost to requests. One of `slots`, `all` and `inactive` has to be given. */
  restart(
    options: CallOptions & { readonly slots?: readonly Slot[]; readonly all?: boolean; readonly inactive?: boolean },
  ): Promise<Outcomes['restart']>;
  /** Points the link to a slot that is ready; without a name, to the other one. */
  switch(options?: CallOptions & { readonly slot?: Slot }): Promise<Outcomes['switch']>;
  /** Back to the version before. */
  rollback(options?: CallOptions): Promise<Outcomes['rollback']>;
  /** Puts the code on disk into service. */
  update(options?: CallOptions & Partial<OperationInputs['update']>): Promise<Outcomes['update']>;
  /** Repairs the app if it needs it. */
  keepalive(options?: CallOptions): Promise<Outcomes['keepalive']>;
  /** Both slots as they are now. Takes no lock and waits for nobody. */
  status(): Promise<StatusReport>;
}

/** As the command line: long enough for a deploy that is under way. */
const PATIENCE_MS = 60_000;

/**
 * Opens an app. Nothing is started or made by it.
 * @throws GracefulError `config` when there is no configuration, or a wrong one; all its problems are in the failure.
 */
export async function createGraceful({
  config: source,
  cwd = process.cwd(),
  stateDir,
}: GracefulOptions = {}): Promise<Graceful> {
  const base = resolve(cwd);
  const config =
    typeof source === 'object'
      ? await normalize(source, { file: null, base, stateDir: stateDir === undefined ? null : resolve(base, stateDir) })
      : await loadConfig({ cwd: base, env: process.env, file: source ?? null, stateDir: stateDir ?? null });
  const system = openAppSystem(config);
  const call = <Name extends OperationName>(
    name: Name,
    input: OperationInputs[Name],
    options: CallOptions,
    waitMs: number,
  ) => perform(system, name, input, { waitMs, ...options });
  return {
    config,
    start: ({ slots = [], all = false, release = null, ...options } = {}) =>
      call('start', { slots, all, release }, options, PATIENCE_MS),
    stop({ slots = [], all = false, inactive = false, olderThanMs = null, force = false, ...options }) {
      const input = { slots, all, inactive, olderThanMs, force };
      return chosen('stop', input) ?? call('stop', input, options, inactive ? 0 : PATIENCE_MS);
    },
    restart({ slots = [], all = false, inactive = false, ...options }) {
      const input = { slots, all, inactive };
      return chosen('restart', input) ?? call('restart', input, options, PATIENCE_MS);
    },
    switch: ({ slot = null, ...options } = {}) => call('switch', { slot }, options, PATIENCE_MS),
    rollback: (options = {}) => call('rollback', {}, options, PATIENCE_MS),
    update({ onEvent, signal, waitMs, ...input } = {}) {
      const options = {
        ...(onEvent && { onEvent }),
        ...(signal && { signal }),
        ...(waitMs !== undefined && { waitMs }),
      };
      return call('update', { ...UPDATE_DEFAULTS, ...input }, options, PATIENCE_MS);
    },
    keepalive: (options = {}) => call('keepalive', {}, options, 0),
    status: () => status(system),
  };
}

const UPDATE_DEFAULTS: OperationInputs['update'] = { stopOld: false, watchMs: null };

/** Names, `all` and `inactive` are three answers to one question: a rejection unless exactly one is given. */
function chosen(
  operation: 'stop' | 'restart',
  { slots, all, inactive }: OperationInputs['restart'],
): Promise<never> | null {
  const given = [slots.length > 0, all, inactive].filter(Boolean).length;
  if (given === 1) return null;
  const found = given === 0 ? 'none of them' : `${given} of them`;
  return Promise.reject(
    new GracefulError({
      code: 'usage',
      message: `${operation}: found ${found}, expected one of slots, all and inactive`,
      details: {},
    }),
  );
}

async function perform<Name extends OperationName>(
  system: AppSystem,
  name: Name,
  input: OperationInputs[Name],
  { onEvent, signal, waitMs }: CallOptions & { readonly waitMs: number },
): Promise<Outcomes[Name]> {
  const running = await runOnEitherHost(system, name, input, {
    waitMs,
    by: `${name} by pid ${process.pid}`,
    async caller() {
      const { callerOf } = await import('../system/caller.ts');
      return callerOf([name], process.env, false);
    },
    emit(event) {
      try {
        onEvent?.(event);
      } catch {
        // the listener's own affair
      }
    },
  });
  const abort = (): void => running.abort(signal?.reason instanceof Error ? signal.reason.message : 'the caller');
  if (signal?.aborted) abort();
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await running.outcome;
  } catch (error) {
    throw GracefulError.from(error);
  } finally {
    signal?.removeEventListener('abort', abort);
  }
}
