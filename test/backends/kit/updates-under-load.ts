// An example of the docs, copied and run as it is, updated again and again while nginx sends it wrk's requests.
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { assertAnswersAlone, assertNothingLost, underLoad, untilLeft } from '../../load/under-load.ts';
import type { Failures } from '../../rig/load-report.ts';
import { type NginxOptions, startNginx } from '../../rig/nginx.ts';
import { inRepo } from '../../rig/paths.ts';
import { argumentsOf, processesIn, runs } from '../../rig/processes.ts';
import { createTestApp, eventsOf, type TestApp } from '../../rig/test-app.ts';
import { until } from '../../rig/until.ts';
import type { Backend } from './backends.ts';

export interface Measured {
  readonly updates: number;
  readonly requests: number;
  readonly failures: Failures;
  readonly versions: number;
  /** `graceful update`, from start to exit. */
  readonly medianUpdateMs: number;
  readonly seconds: number;
}

/** `onMeasured` gets what was measured, also when that is about to fail. */
export async function updatesUnderLoad(
  backend: Backend,
  config: NginxOptions['config'],
  updates: number,
  onMeasured: (measured: Measured) => void,
): Promise<void> {
  const startedAt = performance.now();
  await using app = await createExample(backend);
  await using _stopsAll = stopsAll(app);
  await app.succeed('update');
  await using nginx = await startNginx({ config, socketPath: app.link });
  const times: number[] = [];
  const report = await underLoad(nginx, async () => {
    for (let version = 2; version <= 1 + updates; version += 1) {
      app.deploy(String(version));
      backend.deploy?.(app.dir, version);
      const from = performance.now();
      const run = await app.succeed('update');
      times.push(performance.now() - from);
      assert.deepEqual(eventsOf(run, 'connections-cut'), []);
      assert.deepEqual(
        eventsOf(run, 'backend-drained').map(({ method }) => method),
        version > 2 ? ['socket-table'] : [],
      );
    }
    await untilLeft(app.socket(app.active() === 'a' ? 'b' : 'a'));
  });
  onMeasured({
    updates,
    requests: report.requests,
    failures: report.failures,
    versions: Object.keys(report.versions).length,
    medianUpdateMs: times.sort((one, other) => one - other)[Math.floor(times.length / 2)] ?? 0,
    seconds: (performance.now() - startedAt) / 1000,
  });
  assertNothingLost(report, nginx);
  const everyVersion = Array.from({ length: 1 + updates }, (_, index) => String(index + 1));
  assert.deepEqual(Object.keys(report.versions), everyVersion, 'each version got requests');
  await assertAnswersAlone(String(1 + updates), nginx);
  await app.succeed('stop', '--all');
  assert.deepEqual(processesIn(app.dir).filter(runs).map(argumentsOf), [], 'nothing of it is left');
}

/** The example's files as they are; its programs are found in Debian's directories first, and Node is ours. */
async function createExample({ example, name = 'app', prepare, deploy }: Backend): Promise<TestApp> {
  const managerEnv: NodeJS.ProcessEnv = {};
  const app = await createTestApp({ example: inRepo('docs/examples', example), name, managerEnv });
  try {
    const bin = join(app.dir, 'bin');
    managerEnv['PATH'] = [bin, dirname(process.execPath), '/usr/bin', '/usr/sbin', process.env['PATH']].join(':');
    mkdirSync(bin);
    prepare?.(app.dir);
    deploy?.(app.dir, 1);
    return app;
  } catch (error) {
    await app[Symbol.asyncDispose]();
    throw error;
  }
}

/** The test app's own cleaning up tells backends by their environment, which some write over. */
const stopsAll = (app: TestApp): AsyncDisposable => ({
  async [Symbol.asyncDispose]() {
    await until('all that works in its directory has gone', () => {
      const left = processesIn(app.dir).filter(runs);
      for (const pid of left) killIfThere(pid);
      return left.length === 0;
    });
  },
});

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: gone
  }
}
