// The long-lived host: one process for one or more apps. It can be killed at any moment; the backends live on, and the next
// one adopts them.

import type { Config } from '../../core/config.ts';
import { fail, GracefulError } from '../../core/failure.ts';
import { askSupervisor } from '../../system/ask-supervisor.ts';
import { nobodyListensAt } from '../../system/knock.ts';
import { type Notifier, watchdogIntervalMs } from '../../system/notify.ts';
import { VERSION } from '../../version.ts';
import { BackendWatch } from './backend-watch.ts';
import type { ControlServer, OpenControl } from './doors.ts';
import type { StampedEvent } from './event-hub.ts';
import type { OutputListener } from './log-relay.ts';
import { Metrics } from './metrics.ts';
import { nameOf } from './refusals.ts';
import { SupervisedApp } from './supervised-app.ts';

export interface SupervisorOptions {
  readonly configs: readonly Config[];
  /** Reads one app's configuration afresh. */
  reread(config: Config): Promise<Config>;
  readonly openControl: OpenControl;
  readonly notifier: Notifier;
  readonly env: NodeJS.ProcessEnv;
  /** Hears every event of every app. */
  readonly onEvent: (event: StampedEvent) => void;
  readonly onOutput: OutputListener;
}

interface Served {
  readonly app: SupervisedApp;
  readonly control: ControlServer;
}

/**
 * systemd is asked for more time as long as an app starts: each has limits of its own, and were ours up, the healthy ones would be
 * stopped with the slow one. sd_notify(3)
 */
const EXTENSION_MS = 30_000;

export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #watch = new BackendWatch();
  readonly #metrics = new Metrics();
  readonly #apps: Served[] = [];
  #watchdog: NodeJS.Timeout | null = null;
  #isLeaving = false;
  /** Resolves when every app has its control socket, or one cannot have it. */
  #served: Promise<void> = Promise.resolve();
  #end: (how: 'left' | 'stopped') => void = () => undefined;
  /** Resolves when the supervisor has nothing left to do. */
  readonly ended = new Promise<'left' | 'stopped'>((resolve) => {
    this.#end = resolve;
  });

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get metrics(): Metrics {
    return this.#metrics;
  }

  /** @throws `busy` when an app has a supervisor already, which it names; then nothing is supervised at all. */
  async start(): Promise<void> {
    try {
      await this.#start();
    } catch (error) {
      await this.#leave();
      throw error;
    }
  }

  async #start(): Promise<void> {
    const { configs, env, notifier } = this.#options;
    const serveAll = async (): Promise<void> => {
      for (const config of configs) this.#apps.push(await this.#serve(config));
    };
    this.#served = serveAll();
    await this.#served;
    if (this.#isLeaving) return;
    const beatMs = watchdogIntervalMs(env);
    if (beatMs !== null) this.#watchdog = setInterval(() => notifier.tell('WATCHDOG=1'), beatMs);
    // Each reaches its desired state, or reports why not; either way the host is ready for work.
    const patience = setInterval(() => notifier.tell(`EXTEND_TIMEOUT_USEC=${EXTENSION_MS * 1_000}`), EXTENSION_MS / 3);
    await Promise.all(this.#apps.map(({ app }) => app.begin())).finally(() => clearInterval(patience));
    if (!this.#isLeaving) notifier.tell('READY=1', `STATUS=${await this.#summary()}`);
  }

  /** Away without touching the backends: for an upgrade of graceful itself. */
  async handover(by: string): Promise<void> {
    if (this.#isLeaving) return;
    await this.#becomeLeaving();
    this.#tellStopping(by, 'left running');
    await this.#leave();
    this.#end('left');
  }

  /** All apps drained and stopped, side by side. Desired stays up: the next boot starts them. */
  async stop(by: string): Promise<void> {
    if (this.#isLeaving) return;
    await this.#becomeLeaving();
    this.#tellStopping(by, 'stopped');
    this.#options.notifier.tell('STOPPING=1', 'STATUS=draining and stopping the backends');
    // What is at work is undone rather than waited for: a start may take longer than systemd's patience.
    for (const { app } of this.#apps) app.abort(by);
    // None waits for another one: what holds one up (a hook) is no reason to let the others be killed undrained.
    await Promise.allSettled(this.#apps.map(({ app }) => app.leave().then(() => app.stopBackends())));
    await this.#leave();
    this.#end('stopped');
  }

  /** No more waiting for connections. */
  hurry(): void {
    for (const { app } of this.#apps) app.hurry();
  }

  /** Reads the configurations afresh and updates every app; a bad one is reported, and the old one stays. */
  async reload(): Promise<void> {
    if (this.#isLeaving) return;
    const { notifier } = this.#options;
    notifier.tell('RELOADING=1', `MONOTONIC_USEC=${process.hrtime.bigint() / 1000n}`, 'STATUS=updating');
    await Promise.all(this.#apps.map(({ app }) => this.#reloadApp(app)));
    const summary = await this.#summary();
    if (!this.#isLeaving) notifier.tell('READY=1', `STATUS=${summary}`);
  }

  async #reloadApp(app: SupervisedApp): Promise<void> {
    const file = nameOf(app.system.config);
    try {
      if (!(await app.refresh())) app.hub.emit({ type: 'config-reread', file });
      // What was taken down on purpose stays so: the signal is for all the apps there are.
      if (app.system.desired.read() === 'down') return;
    } catch (error) {
      app.hub.emit({ type: 'config-rejected', file, message: GracefulError.from(error).message });
      return;
    }
    await app
      .run('update', { input: { stopOld: false, watchMs: null }, waitMs: 60_000, by: 'SIGHUP' })
      .outcome.catch(() => undefined); // told as an event
  }

  async #serve(config: Config): Promise<Served> {
    const { reread, onOutput } = this.#options;
    const app = new SupervisedApp(config, { watch: this.#watch, reread, onOutput });
    app.hub.listen(this.#options.onEvent);
    app.hub.listen((event) => this.#metrics.count(event));
    this.#metrics.watch(app);
    const path = app.system.paths.control;
    await app.system.open();
    const control = await this.#alone(app, async () => {
      const other = await askSupervisor(path);
      // One that hangs is one all the same.
      if (other !== null || !(await nobodyListensAt(path))) throw supervised(config, path, other?.pid ?? null);
      return this.#options.openControl(path, {
        app,
        handover: () => void this.handover('POST /handover'),
        metrics: () => this.#metrics.text(),
      });
    });
    app.hub.emit({ type: 'supervisor-started', pid: process.pid, version: VERSION });
    return { app, control };
  }

  /** Under the app's lock: of two supervisors that start together, the second one finds the first one's socket. */
  async #alone<T>(app: SupervisedApp, work: () => Promise<T>): Promise<T> {
    await using _lock = await app.system.lock({
      operation: 'run',
      waitMs: 60_000,
      signal: new AbortController().signal,
      emit: (event) => void app.hub.emit(event),
      onLost: () => undefined, // held for milliseconds; what is done under it can be done again
    });
    return await work();
  }

  /** What has only half begun is waited for; it goes no further. */
  async #becomeLeaving(): Promise<void> {
    this.#isLeaving = true;
    await this.#served.catch(() => undefined); // told by start()
  }

  async #leave(): Promise<void> {
    await Promise.all(this.#apps.map(({ app }) => app.leave()));
    await Promise.all(this.#apps.map(({ control }) => control.close()));
    for (const { app } of this.#apps) app.close();
    this.#watch.close();
    if (this.#watchdog !== null) clearInterval(this.#watchdog);
    await this.#options.notifier.flush();
  }

  #tellStopping(by: string, backends: 'stopped' | 'left running'): void {
    for (const { app } of this.#apps) app.hub.emit({ type: 'supervisor-stopping', by, backends });
  }

  /** One line for people, as `systemctl status` shows it. */
  async #summary(): Promise<string> {
    const summaryOf = async (app: SupervisedApp): Promise<string> => {
      try {
        const { active, desired, slots } = await app.status();
        const state =
          slots.find((slot) => slot.active)?.state ?? (desired === 'down' ? 'down on purpose' : 'nothing active');
        return `${active === null ? '' : `${active} `}${state}`;
      } catch (error) {
        return GracefulError.from(error).message; // the link is a directory
      }
    };
    const all = this.#apps.map(async ({ app }) => `${app.system.config.name}: ${await summaryOf(app)}`);
    return (await Promise.all(all)).join(', ');
  }
}

const supervised = ({ name }: Config, path: string, pid: number | null) =>
  fail(
    'busy',
    pid === null
      ? `somebody listens at ${path} and does not answer: a supervisor that hangs?`
      : `${name} has a supervisor already: pid ${pid}`,
    { pid, operation: 'run', since: null, waitedMs: 0 },
  );
