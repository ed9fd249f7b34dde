// The two hosts of an operation: the command itself, and a supervisor that the command hands it to. What is promised of an
// operation is promised of both, so its tests are one table that runs once per host.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { describe } from 'node:test';
import { allOrFirst } from './extent.ts';
import { createTestApp, type RunningCommand, type TestApp, type TestAppOptions } from './test-app.ts';
import { NO_SCHEDULE, supervise } from './test-supervisor.ts';

export interface HostedApp extends TestApp {
  /** The process in which the operation of a command runs. */
  managerOf(command: RunningCommand): number | undefined;
}

export type CreateApp = (options?: TestAppOptions) => Promise<HostedApp>;

export const HOSTS: Readonly<Record<'one-shot' | 'supervised', CreateApp>> = {
  'one-shot': async (options) => ({
    ...(await createTestApp(options)),
    managerOf: (command) => command.process.pid,
  }),
  supervised: async (options = {}) => {
    const app = await createTestApp({ ...options, config: { schedule: NO_SCHEDULE, ...options.config } });
    try {
      // Wanted down until the supervisor has begun: what starts the app is the test.
      const desired = app.file(`${app.name}.desired.json`);
      mkdirSync(app.stateDir, { mode: 0o750 });
      writeFileSync(desired, JSON.stringify({ desired: 'down', by: 'the test', at: new Date().toISOString() }));
      const supervisor = await supervise(app, { env: options.managerEnv ?? {} });
      rmSync(desired);
      return {
        ...app,
        managerOf: () => supervisor.pid,
        async [Symbol.asyncDispose]() {
          await supervisor[Symbol.asyncDispose]();
          await app[Symbol.asyncDispose]();
        },
      };
    } catch (error) {
      await app[Symbol.asyncDispose]();
      throw error;
    }
  },
};

/** The same tests on each host, side by side, or on the first one alone in short. */
export function onEachHost(title: string, tests: (createApp: CreateApp) => void): void {
  describe(title, { concurrency: true, timeout: 600_000 }, () => {
    for (const [host, createApp] of allOrFirst(Object.entries(HOSTS)))
      describe(`[${host}]`, { concurrency: 3, timeout: 600_000 }, () => tests(createApp));
  });
}

/** The same deeds on each host, side by side, and what comes of them in the order of HOSTS. */
export const onEveryHost = <T>(deeds: (app: HostedApp) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(
    Object.values(HOSTS).map(async (createApp) => {
      await using app = await createApp();
      return await deeds(app);
    }),
  );
