// One app that serves while the cases go on around it: whatever is thrown at it, its link and its backend stay the same.
import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { createTestApp, type Run, type TestApp } from '../../rig/test-app.ts';
import { ask, NO_SCHEDULE, supervise, type TestSupervisor } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { type Strangers, startStrangers } from '../kit/strangers.ts';

const PATIENCE_MS = 60_000;
/** Timers, a log file that is open for a moment: what may come and go by itself. */
const SPARE_DESCRIPTORS = 3;

export class Stage implements AsyncDisposable {
  readonly app: TestApp;
  readonly strangers: Strangers;
  readonly #supervisor: TestSupervisor | null;
  readonly #before: string;
  readonly #descriptors: number;

  private constructor(app: TestApp, supervisor: TestSupervisor | null) {
    this.app = app;
    this.strangers = startStrangers(app.dir);
    this.#supervisor = supervisor;
    this.#before = this.#state();
    this.#descriptors = this.openDescriptors();
  }

  static async open(host: 'one-shot' | 'supervisor'): Promise<Stage> {
    const app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
    if (host === 'one-shot') {
      await app.succeed('start');
      return new Stage(app, null);
    }
    const supervisor = await supervise(app);
    return new Stage(app, supervisor);
  }

  /** Runs the real command line, which must end in time and clearly. */
  async graceful(args: readonly string[]): Promise<Run> {
    const running = this.app.spawnGraceful(args);
    const timer = setTimeout(() => running.process.kill('SIGKILL'), PATIENCE_MS);
    const run = await running.finished;
    clearTimeout(timer);
    assert.notEqual(run.signal, 'SIGKILL', `clear: ${JSON.stringify(args)} hangs`);
    assertClear(run);
    return run;
  }

  /** Nothing was touched; a supervisor answers, and has closed what it had opened. */
  async assertUntouched(): Promise<void> {
    assert.equal(this.#state(), this.#before, 'I1: the link or the backend is another one');
    assert.equal((await this.app.post('/')).status, 200, 'I2: the app does not answer');
    this.strangers.assertAlive();
    if (this.#supervisor === null) return;
    const reply = await ask(this.app, 'GET', '/status');
    assert.equal(reply.status, 200, 'clear: the supervisor does not answer');
    await until(
      'the supervisor has closed what it had opened',
      () => this.openDescriptors() <= this.#descriptors + SPARE_DESCRIPTORS,
      PATIENCE_MS,
    );
  }

  #state = (): string => `${this.app.linkIdentity()} pid ${this.app.pid('a')}`;

  /** The supervisor's. */
  openDescriptors(): number {
    return this.#supervisor === null ? 0 : readdirSync(`/proc/${this.#supervisor.pid}/fd`).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#supervisor?.[Symbol.asyncDispose]();
    this.strangers[Symbol.dispose]();
    await this.app[Symbol.asyncDispose]();
  }
}
