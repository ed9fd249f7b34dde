// One app under a supervisor: its operations run here, its backends are watched, and when one dies keepalive runs. There
// is no recovery logic but keepalive's; what is decided here is only when it runs.
import type { Config } from '../../core/config.ts';
import type { OperationName } from '../../core/events.ts';
import { GracefulError } from '../../core/failure.ts';
import type { OperationInputs, Outcomes } from '../../core/outcome.ts';
import { otherSlot, SLOTS, type Slot } from '../../core/slot.ts';
import type { Retry, StatusReport } from '../../core/status.ts';
import { status } from '../../operations/status.ts';
import { type AppSystem, openAppSystem } from '../../system/app-system.ts';
import type { BackendRecord } from '../../system/backend-record.ts';
import type { LaunchedBackend } from '../../system/launcher.ts';
import type { RunningOperation } from '../operator.ts';
import type { BackendWatch, Death } from './backend-watch.ts';
import { EventHub } from './event-hub.ts';
import { Hearing } from './hearing.ts';
import { type OutputListener, relayLogs } from './log-relay.ts';
import { lossOf } from './loss.ts';
import { Recovery } from './recovery.ts';
import { leaving, moved, nameOf } from './refusals.ts';
import { type RequestedOperation, RunningOperations } from './running-operations.ts';
import { startSchedule } from './schedule.ts';
// What a one-shot command loads when it needs it is there before anything dies: loading takes longer than failing over.
import '../../operations/heal.ts';
import '../../system/launcher.ts';
import '../../system/lock.ts';
import '../../system/processes/terminate.ts';
import '../../system/socket-file.ts';
import '../../system/state-dir.ts';

export interface AppHost {
  readonly watch: BackendWatch;
  /** Reads the app's configuration afresh. */
  reread(config: Config): Promise<Config>;
  readonly onOutput: OutputListener;
}

/** An operation that somebody else is in the middle of (a hook, a command from before us) is waited for this long. */
const PATIENCE_MS = 60_000;
const SCHEDULE = 'the schedule';

export class SupervisedApp {
  readonly hub: EventHub;
  readonly #host: AppHost;
  readonly #hurry = new AbortController();
  readonly #hearing = new Hearing();
  readonly #running: RunningOperations;
  readonly #recovery: Recovery;
  #system: AppSystem;
  #endSchedule: () => void = () => undefined;
  #endRelay: () => void = () => undefined;
  #isLeaving = false;

  constructor(config: Config, host: AppHost) {
    this.#host = host;
    this.#system = this.#open(config);
    this.hub = new EventHub(config.name);
    this.#running = new RunningOperations(this.hub);
    this.#recovery = new Recovery({
      keepalive: (reason) => this.#keepalive(reason),
      hasStandby: () => this.#hasStandby(),
      emit: (event) => void this.hub.emit(event),
    });
  }

  get system(): AppSystem {
    return this.#system;
  }

  get retry(): Retry | null {
    return this.#recovery.retry;
  }

  /** Takes over the backends that run, brings the app to its desired state, and begins the schedule. */
  async begin(): Promise<void> {
    this.#startSchedule();
    this.#startRelay();
    await this.#recovery.now('the supervisor started');
  }

  /** Runs an operation that somebody asks for, like the command line would; its end is told to the hub too. */
  run<Name extends OperationName>(
    name: Name,
    request: RequestedOperation<Name>,
    system = this.#system,
  ): RunningOperation<Name> {
    if (this.#isLeaving) return this.#refuse(name, request, system);
    const running = this.#run(name, request, system);
    // What a retry waits for may be done by that, or be wanted no longer.
    running.outcome.then(
      () => name !== 'plan' && this.retry !== null && void this.#recovery.now(`${name} by ${request.by}`),
      () => undefined,
    );
    return running;
  }

  /** What cron calls looks all the same, and takes our refusal for a lock that somebody holds: no failure. */
  #refuse<Name extends OperationName>(
    name: Name,
    request: RequestedOperation<Name>,
    system: AppSystem,
  ): RunningOperation<Name> {
    const refused = () => Promise.reject(leaving());
    const isForCron = name === 'keepalive' || (name === 'stop' && (request.input as OperationInputs['stop']).inactive);
    if (isForCron) return this.#run(name, request, { ...system, lock: refused });
    return { outcome: refused(), abort: () => undefined, dismiss: () => undefined };
  }

  #run<Name extends OperationName>(
    name: Name,
    request: RequestedOperation<Name>,
    system = this.#system,
  ): RunningOperation<Name> {
    return this.#running.begin(system, name, request, this.#hurry.signal);
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

  /** The system as the file describes it now, without going on with that: for what only looks. @throws `config` */
  async asWritten(): Promise<AppSystem> {
    const { config } = this.#system;
    const written = await this.#host.reread(config);
    if (written.name !== config.name || written.stateDir !== config.stateDir) throw moved(config);
    return openAppSystem(written);
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
    this.#recovery.end();
    this.#running.dismiss();
    await this.#running.ended();
  }

  /** Asks what is at work to undo what it has done. */
  abort(by: string): void {
    this.#running.abort(by);
  }

  /** The backends are not listened to any more. */
  close(): void {
    this.#endRelay();
    this.#hearing.end();
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
  async #adopt(): Promise<void> {
    for (const slot of SLOTS) {
      const state = this.#system.record(slot);
      if (state.kind !== 'alive' || this.#host.watch.knows(state.record)) continue;
      this.hub.emit({ type: 'backend-adopted', slot, pid: state.record.pid });
      this.#host.watch.adopt(state.record, this.#onDeath);
      await this.#hear(state.record);
    }
  }

  async #hear(record: BackendRecord): Promise<void> {
    try {
      this.#hearing.keep(record, await this.#system.listenTo(record));
    } catch (error) {
      const detail = GracefulError.from(error).message;
      this.hub.emit({ type: 'warned', about: `slot ${record.slot}`, detail });
    }
  }

  #watchChild(launched: LaunchedBackend): void {
    this.#hearing.keep(launched.record, launched.announcements.retain());
    this.#host.watch.follow(launched, this.#onDeath);
    const { slot, instance } = launched.record;
    launched.workerExits(({ index, ...exit }) => {
      if (!this.#isStopping(slot, instance)) this.hub.emit({ type: 'worker-exited', slot, worker: index, ...exit });
    });
  }

  #isStopping(slot: Slot, instance: string): boolean {
    try {
      const state = this.#system.record(slot);
      return state.kind !== 'alive' || state.record.instance !== instance || state.record.stoppingAt !== null;
    } catch {
      return false; // EMFILE, EIO: then its end is told once too often
    }
  }

  readonly #onDeath = (death: Death): void => {
    this.#hearing.forget(death.record);
    try {
      this.#answer(death);
    } catch (error) {
      // EMFILE, EIO: who has died cannot be seen now. Keepalive is tried until it can.
      if (!this.#isLeaving) this.#recovery.afterDeath(GracefulError.from(error).message, 0);
    }
  };

  #answer(death: Death): void {
    const loss = lossOf(death, this.#system, { isBusy: !this.#running.isEmpty });
    if (loss === null) return;
    this.hub.emit({ type: 'backend-died', slot: death.slot, pid: death.record.pid, ...death.exit });
    // Where nobody is served by it, there is nothing to recover from.
    if (!this.#isLeaving && loss.served) this.#recovery.afterDeath(loss.reason, loss.readyForMs);
  }

  async #keepalive(reason: string): Promise<Outcomes['keepalive']> {
    await this.#adopt();
    if (reason !== SCHEDULE && !this.#hasStandby()) await this.#refreshIfRight();
    if (this.#isLeaving) throw leaving();
    return this.#run('keepalive', { input: {}, waitMs: PATIENCE_MS, by: reason }).outcome;
  }

  #hasStandby(): boolean {
    try {
      const { slot } = this.#system.link.read();
      return slot !== null && this.#system.record(otherSlot(slot)).kind === 'alive';
    } catch {
      return false; // EMFILE, EIO: keepalive will say so
    }
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

  #startRelay(): void {
    this.#endRelay();
    this.#endRelay = relayLogs(this.#system, this.#host.onOutput);
  }

  #startSchedule(): void {
    this.#endSchedule();
    const { schedule, file } = this.#system.config;
    this.#endSchedule = startSchedule(schedule, file, {
      // A retry that is waited for is not overtaken by the clock.
      keepalive: async () => (this.retry === null ? this.#recovery.now(SCHEDULE) : undefined),
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
