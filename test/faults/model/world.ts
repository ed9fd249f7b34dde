// The real thing: one app with real backends, the real command line, and a supervisor where the story has one.
import assert from 'node:assert/strict';
import { SLOTS, type Slot } from '../../../src/core/slot.ts';
import type { StatusReport } from '../../../src/core/status.ts';
import { runs } from '../../rig/processes.ts';
import { createTestApp, type Run, type TestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, supervise, type TestSupervisor } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { startClients } from '../kit/client.ts';
import { assertNothingLost } from '../kit/excuses.ts';
import { assertWhole, strayFiles } from '../kit/state-files.ts';
import { type Strangers, startStrangers } from '../kit/strangers.ts';
import { assertNoCollision, turnstileHooks } from '../kit/turnstile.ts';
import { isServing, type Model, type Occupant, type Version } from './model.ts';

const BROKEN: Readonly<Record<Version, Readonly<Record<string, string>>>> = {
  good: {},
  crashing: { APP_BROKEN: 'exits' },
  'never-ready': { APP_BROKEN: 'never-listens' },
};

export class World implements AsyncDisposable {
  readonly app: TestApp;
  supervisor: TestSupervisor | null = null;
  readonly #strangers: Strangers;
  #version = 1;

  constructor(app: TestApp) {
    this.app = app;
    this.#strangers = startStrangers(app.dir);
  }

  static async open(): Promise<World> {
    const app = await createTestApp({
      config: {
        schedule: NO_SCHEDULE,
        health: { type: 'http', interval: '20ms', timeout: '2s', failures: 1 },
        startTimeout: '10s',
        drainTimeout: '300ms',
        stopTimeout: '300ms',
      },
    });
    app.configure({ hooks: turnstileHooks(app.dir) });
    return new World(app);
  }

  deploy(version: Version): void {
    this.#version += 1;
    this.app.deploy(String(this.#version), BROKEN[version]);
    // A version that is never ready is waited for to the end of this, good ones on a loaded machine must not be.
    this.app.configure({ startTimeout: version === 'never-ready' ? '1s' : '20s' });
  }

  async startSupervisor(): Promise<void> {
    this.supervisor = await supervise(this.app);
  }

  async killSupervisor(): Promise<void> {
    await this.supervisor?.kill('SIGKILL');
    this.supervisor = null;
  }

  async killBackend(slot: Slot): Promise<void> {
    const pid = this.app.pid(slot) as number;
    process.kill(pid, 'SIGKILL');
    await until(`backend ${pid} has gone`, () => !runs(pid));
  }

  /** Runs a command; while the app serves before and after, no request may fail. */
  async command(args: readonly string[], before: boolean, after: () => boolean): Promise<Run> {
    const clients = before ? startClients(this.app.link, { count: 1, pauseMs: 10, slow: 0 }) : null;
    const run = await this.app.graceful(...args);
    await clients?.end();
    assertClear(run);
    if (clients !== null && after()) assertNothingLost(clients, [], run.events);
    return run;
  }

  /** What is there has to be what the model says, and the invariants hold. */
  async assertIs(model: Model): Promise<void> {
    const wanted = JSON.stringify(seenIn(model));
    let seen = '';
    // What a supervisor does by itself takes its time.
    const isRight = async (): Promise<boolean> => {
      seen = JSON.stringify(seenBy(await this.app.status()));
      return seen === wanted;
    };
    if (model.supervised) await until('the supervisor has done what it has to', isRight).catch(() => undefined);
    else await isRight();
    assert.equal(seen, wanted, 'what is there (first) is not what should be there');
    this.#strangers.assertAlive();
    assertWhole(this.app);
    assertNoCollision(this.app.dir);
    assert.deepEqual(strayFiles(this.app, false), [], 'I7: stray files');
    assert.ok(this.app.processes().length <= 2, `I7: ${this.app.processes().length} processes`);
    if (isServing(model)) assert.equal((await this.app.post('/')).status, 200, 'I1: nothing serves');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killSupervisor();
    this.#strangers[Symbol.dispose]();
    await this.app[Symbol.asyncDispose]();
  }
}

interface Seen {
  readonly desired: string;
  readonly active: Slot | null;
  readonly a: Occupant;
  readonly b: Occupant;
}

const seenIn = ({ desired, active, slots: { a, b } }: Model): Seen => ({ desired, active, a, b });

export function seenBy({ desired, active, slots }: StatusReport): Seen {
  const [a = 'none', b = 'none'] = SLOTS.map((name): Occupant => {
    const state = slots.find((slot) => slot.name === name)?.state;
    return state === 'stopped' ? 'none' : state === 'ready' ? 'ok' : 'hung';
  });
  return { desired, active, a, b };
}
