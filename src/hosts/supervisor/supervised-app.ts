// One app under a supervisor: its operations run here, its backends are watched, and when one dies keepalive runs. There
// is no recovery logic but keepalive's; what is decided here is only when it runs.
import type { Config } from '../../core/config.ts';
import type { EventSink, OperationName } from '../../core/events.ts';
import { fail, GracefulError } from '../../core/failure.ts';
import type { OperationInputs, Outcomes } from '../../core/outcome.ts';
import { otherSlot, SLOTS, type Slot } from '../../core/slot.ts';
import type { Retry, StatusReport } from '../../core/status.ts';
import { status } from '../../operations/status.ts';
import { type AppSystem, openAppSystem } from '../../system/app-system.ts';
import type { LaunchedBackend } from '../../system/launcher.ts';
import { type RunningOperation, runOperation } from '../operator.ts';
import type { BackendWatch, Death } from './backend-watch.ts';
import { EventHub } from './event-hub.ts';
import { followLog } from './log-relay.ts';
import { attemptsThatCount, respawnDelayMs } from './respawn.ts';
import { startSchedule } from './schedule.ts';
// What a one-shot command loads when it needs it is there before anything dies: loading takes longer than failing over.
import '../../operations/heal.ts';
import '../../system/launcher.ts';
import '../../system/lock.ts';
import '../../system/processes/terminate.ts';
import '../../system/socket-file.ts';
import '../../system/state-dir.ts';

export interface RequestedOperation<Name extends OperationName> {
  readonly input: OperationInputs[Name];
  readonly waitMs: number;
  /** Who asked, for the journal. */
  readonly by: string;
  /** Hears the events of this operation only. */
  readonly emit?: EventSink;
}

/** Hears each line that a backend writes, where `log` is `inherit`. */
export type OutputListener = (app: string, slot: Slot, line: string) => void;

export interface AppHost {
  readonly watch: BackendWatch;
  /** Reads the app's configuration afresh. */
  reread(config: Config): Promise<Config>;
  readonly onOutput: OutputListener;
}

/** An operation that somebody else is in the middle of (a hook, a command from before us) is waited for this long. */
const PATIENCE_MS = 60_000;
const BUSY_RETRY_MS = 1_000;
const SCHEDULE = 'the schedule';

export class SupervisedApp {
  readonly hub: EventHub;
  readonly #host: AppHost;
  readonly #hurry = new AbortController();
  readonly #running = new Map<Promise<unknown>, (by: string) => void>();
  #system: AppSystem;
  #endSchedule: () => void = () => undefined;
  #endRelay: () => void = () => undefined;
  #attempts = 0;
  #retry: (Retry & { readonly timer: NodeJS.Timeout }) | null = null;
  #isLeaving = false;

  constructor(config: Config, host: AppHost) {
    this.#host = host;
    this.#system = this.#open(config);
    this.hub = new EventHub(config.name);
  }

  get system(): AppSystem {
    return this.#system;
  }

  get retry(): Retry | null {
    if (this.#retry === null) return null;
    const { attempts, reason, nextTryAt } = this.#retry;
    return { attempts, reason, nextTryAt };
  }

  /** Takes over the backends that run, brings the app to its desired state, and begins the schedule. */
  async begin(): Promise<void> {
    this.#startSchedule();
    this.#startRelay();
    await this.#recover('the supervisor started');
  }

  /** Runs an operation that somebody asks for, like the command line would; its end is told to the hub too. */
  run<Name extends OperationName>(name: Name, request: RequestedOperation<Name>): RunningOperation<Name> {
    if (this.#isLeaving) return { outcome: Promise.reject(leaving()), abort: () => undefined };
    const running = this.#run(name, request);
    // What a retry waits for may be done by that, or be wanted no longer.
    running.outcome.then(
      () => this.#retry !== null && void this.#recover(`${name} by ${request.by}`),
      () => undefined,
    );
    return running;
  }

  #run<Name extends OperationName>(name: Name, request: RequestedOperation<Name>): RunningOperation<Name> {
    const startedAt = performance.now();
    this.hub.emit({ type: 'operation-started', operation: name, by: request.by });
    const running = runOperation(this.#system, name, request.input, {
      emit: (event) => {
        this.hub.emit(event);
        request.emit?.(event);
      },
      waitMs: request.waitMs,
      hurry: this.#hurry.signal,
    });
    const told = running.outcome.then(
      () =>
        this.hub.emit({ type: 'operation-completed', operation: name, ms: Math.round(performance.now() - startedAt) }),
      (error: unknown) => {
        const { code, message } = GracefulError.from(error).failure;
        this.hub.emit({ type: 'operation-failed', operation: name, code, message });
      },
    );
    this.#running.set(told, running.abort);
    void told.finally(() => this.#running.delete(told));
    return running;
  }

  async status(): Promise<StatusReport> {
    // Who supervises need not be asked: we do.
    const supervisor = { pid: process.pid, retry: this.retry };
    return status({ ...this.#system, supervisor: async () => supervisor });
  }

  /**
   * Reads the configuration afresh and goes on with that; returns whether it says something else now.
   * @throws `config` when it is wrong, or may not change under a supervisor; then the old one goes on.
   */
  async refresh(): Promise<boolean> {
    const before = this.#system.config;
    const config = await this.#host.reread(before);
    if (this.#isLeaving || JSON.stringify(config) === JSON.stringify(before)) return false;
    this.#reconfigure(config);
    return true;
  }

  #reconfigure(config: Config): void {
    const former = this.#system;
    if (config.name !== former.config.name || config.stateDir !== former.config.stateDir) throw moved(former.config);
    this.#system = this.#open(config);
    try {
      this.#startSchedule();
    } catch (error) {
      this.#system = former;
      this.#startSchedule();
      throw error;
    }
    this.#startRelay();
    this.hub.emit({ type: 'config-reread', file: nameOf(config) });
  }

  /** Nothing is started any more, neither by itself nor for others; what is at work is waited for. */
  async leave(): Promise<void> {
    this.#isLeaving = true;
    this.#endSchedule();
    this.#clearRetry();
    await Promise.all(this.#running.keys());
  }

  /** Asks what is at work to undo what it has done. */
  abort(by: string): void {
    for (const abort of this.#running.values()) abort(by);
  }

  /** No line of the backends is repeated any more. */
  close(): void {
    this.#endRelay();
  }

  /** Drains and stops the backends. Desired stays as it is: the next boot starts them again. */
  async stopBackends(): Promise<Outcomes['stop']> {
    const input = { slots: [], all: true, inactive: false, olderThanMs: null, force: false, keepDesired: true };
    return this.#run('stop', { input, waitMs: PATIENCE_MS, by: 'the end of the supervisor' }).outcome;
  }

  /** No more waiting for connections: straight to the stop signals. */
  hurry(): void {
    this.#hurry.abort();
  }

  #open(config: Config): AppSystem {
    return openAppSystem(config, { onLaunch: (launched) => this.#watchChild(launched) });
  }

  /** Backends that run and that we did not start: a former supervisor did, or a command while there was none. */
  #adopt(): void {
    for (const slot of SLOTS) {
      const state = this.#system.record(slot);
      if (state.kind !== 'alive' || this.#host.watch.knows(state.record)) continue;
      this.hub.emit({ type: 'backend-adopted', slot, pid: state.record.pid });
      this.#host.watch.adopt(state.record, this.#onDeath);
    }
  }

  #watchChild(launched: LaunchedBackend): void {
    this.#host.watch.follow(launched, this.#onDeath);
  }

  readonly #onDeath = ({ slot, record, exit }: Death): void => {
    const state = this.#system.record(slot);
    // Stopped on purpose, replaced, or not ready yet: then an operation is at work and deals with it.
    if (state.kind === 'none' || state.kind === 'invalid' || state.record.instance !== record.instance) return;
    if (state.record.stoppingAt !== null || (state.record.readyAt === null && this.#running.size > 0)) return;
    const { slot: active } = this.#system.link.read();
    const servedByOther = active !== null && active !== slot && this.#system.record(active).kind === 'alive';
    this.hub.emit({ type: 'backend-died', slot, pid: record.pid, ...exit });
    // Where nobody is served by it, there is nothing to recover from.
    if (this.#isLeaving || servedByOther) return;
    const readyAt = Date.parse(state.record.readyAt ?? '') || Date.now();
    this.#attempts = attemptsThatCount(this.#attempts, Date.now() - readyAt);
    const why =
      exit.signal === null ? `exited with code ${exit.exitCode ?? 'unknown'}` : `was killed by ${exit.signal}`;
    this.#recoverSoon(`the backend in slot ${slot} ${why}`);
  };

  /** At once when another backend is there to take over, or the first time; else after a pause that grows. */
  #recoverSoon(reason: string): void {
    const hasStandby = this.#hasStandby();
    const pauseMs = hasStandby ? 0 : respawnDelayMs(this.#attempts);
    if (!hasStandby) this.#attempts += 1;
    // This attempt is counted already.
    if (pauseMs === 0) void this.#recover(reason, hasStandby ? 1 : 0);
    else this.#retryIn(pauseMs, reason);
  }

  /** `weight`: what a failure adds to the number of attempts. */
  async #recover(reason: string, weight = 1): Promise<void> {
    this.#clearRetry();
    this.#adopt();
    if (reason !== SCHEDULE && !this.#hasStandby()) await this.#refreshIfRight();
    if (this.#isLeaving) return;
    try {
      const outcome = await this.#run('keepalive', { input: {}, waitMs: PATIENCE_MS, by: reason }).outcome;
      if (outcome.action === 'busy') this.#retryIn(BUSY_RETRY_MS, outcome.reason);
    } catch (error) {
      this.#attempts += weight;
      this.#retryIn(respawnDelayMs(this.#attempts), GracefulError.from(error).message);
    }
  }

  #hasStandby(): boolean {
    const { slot } = this.#system.link.read();
    return slot !== null && this.#system.record(otherSlot(slot)).kind === 'alive';
  }

  /** What is started by itself is started with what the file says now, too, unless that is wrong. */
  async #refreshIfRight(): Promise<void> {
    try {
      await this.refresh();
    } catch (error) {
      const file = nameOf(this.#system.config);
      this.hub.emit({ type: 'config-rejected', file, message: GracefulError.from(error).message });
    }
  }

  #retryIn(delayMs: number, reason: string): void {
    if (this.#isLeaving) return;
    this.#clearRetry();
    const timer = setTimeout(() => void this.#recover(reason), delayMs);
    const nextTryAt = new Date(Date.now() + delayMs).toISOString();
    this.#retry = { attempts: this.#attempts, reason, nextTryAt, timer };
    this.hub.emit({ type: 'retry-scheduled', attempts: this.#attempts, delayMs, reason });
  }

  #clearRetry(): void {
    if (this.#retry !== null) clearTimeout(this.#retry.timer);
    this.#retry = null;
  }

  #startRelay(): void {
    this.#endRelay();
    const { config, paths } = this.#system;
    if (config.log !== 'inherit') return;
    const ends = SLOTS.map((slot) =>
      followLog(paths.slots[slot].log, (line) => this.#host.onOutput(config.name, slot, line)),
    );
    this.#endRelay = () => {
      this.#endRelay = () => undefined;
      for (const end of ends) end();
    };
  }

  #startSchedule(): void {
    this.#endSchedule();
    const { schedule, file } = this.#system.config;
    this.#endSchedule = startSchedule(schedule, file, {
      // A retry that is waited for is not overtaken by the clock.
      keepalive: async () => (this.#retry === null ? this.#recover(SCHEDULE) : undefined),
      stopInactive: (olderThanMs) =>
        this.#run('stop', {
          input: { slots: [], all: false, inactive: true, olderThanMs, force: false },
          waitMs: 0,
          by: SCHEDULE,
        }).outcome,
      skipped: (job) => this.hub.emit({ type: 'tick-skipped', job, reason: 'the former run is still at work' }),
    });
  }
}

/** For people: the file, or what else there is. */
export const nameOf = ({ file, name }: Config): string => file ?? name;

const leaving = () =>
  fail('busy', `the supervisor (pid ${process.pid}) is about to leave`, {
    pid: process.pid,
    operation: 'run',
    since: null,
    waitedMs: 0,
  });

/** The control socket and the backends are where the supervisor began. */
const moved = ({ file, name, stateDir }: Config) =>
  fail('config', `${file ?? 'configuration'}: name and stateDir cannot change while a supervisor runs`, {
    file,
    problems: [
      {
        key: 'stateDir',
        found: 'another name or stateDir than when the supervisor began',
        expected: `${name} in ${stateDir}, or a restart of the supervisor`,
      },
    ],
  });
