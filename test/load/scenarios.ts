// The promise, in every combination it is made for: which nginx configuration, which language, which manners at SIGTERM,
// how long requests take. A scenario is a row of that table; runScenario() puts it to the test.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import type { Failures } from '../rig/load-report.ts';
import { startNginx } from '../rig/nginx.ts';
import { inRepo } from '../rig/paths.ts';
import { need } from '../rig/requirements.ts';
import { createTestApp, eventsOf, NODE_APP, PYTHON_APP, type Run, type TestApp } from '../rig/test-app.ts';
import { assertAnswersAlone, assertNothingLost, underLoad, untilLeft } from './under-load.ts';

export interface Scenario {
  /** (a) is nginx/graceful-plain.conf, (b) is nginx/graceful-keepalive.conf. */
  readonly nginx: 'a' | 'b';
  readonly language: 'node' | 'python';
  /** What the backend does at SIGTERM: process.exit(0), close well, nothing. */
  readonly onSigterm: 'exit' | 'close' | 'ignore';
  /** Requests take 0 to 3 ms; `mixed`: one in twenty takes 500 ms. */
  readonly requests: 'fast' | 'mixed';
}

export interface ScenarioResult {
  readonly updates: number;
  readonly requests: number;
  readonly failures: Failures;
  readonly versions: number;
  /** `graceful update`, from start to exit. */
  readonly medianUpdateMs: number;
  readonly seconds: number;
}

/** Every scenario that there is: 24. */
export const SCENARIOS: readonly Scenario[] = (['a', 'b'] as const).flatMap((nginx) =>
  (['exit', 'close', 'ignore'] as const).flatMap((onSigterm) =>
    (['fast', 'mixed'] as const).flatMap((requests) =>
      (['node', 'python'] as const).map((language) => ({ nginx, language, onSigterm, requests })),
    ),
  ),
);

/** The same in words. */
export const describeScenario = ({ nginx, language, onSigterm, requests }: Scenario): string =>
  [
    nginx === 'a' ? '(a) plain' : '(b) keepalive',
    language,
    { exit: 'exits at SIGTERM', close: 'closes well', ignore: 'ignores SIGTERM' }[onSigterm],
    requests === 'fast' ? '0-3 ms' : '0-3 ms and 5 % of 500 ms',
  ].join(', ');

/**
 * Updates the app so many times in a row, each time to a new version, while nginx sends it wrk's requests; asserts that
 * nothing was lost. `onMeasured` gets what was measured, also when that is about to fail.
 */
export async function runScenario(
  scenario: Scenario,
  updates: number,
  onMeasured: (result: ScenarioResult) => void = () => undefined,
): Promise<void> {
  const startedAt = performance.now();
  await using app = await createScenarioApp(scenario);
  await app.succeed('update');
  await using nginx = await startNginx({
    config: scenario.nginx === 'a' ? 'plain' : 'keepalive',
    socketPath: app.link,
  });
  const runs: TimedRun[] = [];
  using backends = countBackends(app);
  const report = await underLoad(nginx, async () => {
    for (const version of upTo(1 + updates).slice(1)) {
      app.deploy(version);
      runs.push(await timed(() => app.succeed('update')));
      backends.look();
    }
    await untilLeft(app.socket(app.active() === 'a' ? 'b' : 'a'));
  });

  onMeasured({
    updates,
    requests: report.requests,
    failures: report.failures,
    versions: Object.keys(report.versions).length,
    medianUpdateMs: median(runs.map(({ ms }) => ms)),
    seconds: (performance.now() - startedAt) / 1000,
  });

  assertNothingLost(report, nginx);
  assert.deepEqual(Object.keys(report.versions), upTo(1 + updates), 'each version got requests');
  await assertAnswersAlone(String(1 + updates), nginx);
  assert.equal(backends.most, 2, 'at most two backends at a time');
  for (const [index, { run }] of runs.entries()) assertStoppedUnconnected(run, index > 0, scenario);
  const counts = connectionsAtSigterm(app);
  assert.deepEqual(counts, Array(counts.length).fill(0), 'nobody is connected at SIGTERM');
  // Who ignores SIGTERM is killed before long, and on a busy machine perhaps before it has counted.
  const fewest = scenario.onSigterm === 'ignore' ? 1 : updates - 1;
  assert.ok(counts.length >= fewest && counts.length < updates, `${counts.length} have counted`);
}

/** The app of a scenario, not yet started. Its backends note how many connections they have when SIGTERM comes. */
export const createScenarioApp = (
  { language, onSigterm, requests }: Scenario,
  { drainTimeout = '30s' }: { readonly drainTimeout?: string } = {},
): Promise<TestApp> =>
  createTestApp({
    config: {
      command:
        language === 'node'
          ? [process.execPath, '--import', inRepo('test/apps/fixtures/counts-at-sigterm.mjs'), NODE_APP]
          : [need('python3'), '-u', inRepo('test/apps/fixtures/counts-at-sigterm.py'), PYTHON_APP],
      drainTimeout,
      stopTimeout: onSigterm === 'ignore' ? '1s' : '10s',
    },
    env: {
      APP_ON_SIGTERM: onSigterm,
      APP_DELAY: '0-3',
      APP_SLOW_SHARE: requests === 'fast' ? '0' : '0.05',
      COUNTS_FILE: '{stateDir}/connections-at-sigterm',
    },
  });

/** As the manager tells it: a backend was drained, by the kernel's count, before it was signalled. */
function assertStoppedUnconnected(run: Run, replacesOne: boolean, { onSigterm }: Scenario): void {
  const told = run.events
    .map((event) => event.type)
    .filter((type) => /^backend-(drained|signalled|stopped)$/.test(type));
  const signals = onSigterm === 'ignore' ? ['SIGTERM', 'SIGKILL'] : ['SIGTERM'];
  assert.deepEqual(
    told,
    replacesOne ? ['backend-drained', ...signals.map(() => 'backend-signalled'), 'backend-stopped'] : [],
  );
  assert.deepEqual(eventsOf(run, 'connections-cut'), []);
  for (const { method } of eventsOf(run, 'backend-drained')) assert.equal(method, 'socket-table');
  if (replacesOne)
    assert.deepEqual(
      eventsOf(run, 'backend-signalled').map(({ signal }) => signal),
      signals,
    );
}

/** As the backends tell it: how many connections each had at the moment of its SIGTERM. */
export function connectionsAtSigterm(app: TestApp): readonly number[] {
  const file = app.file('connections-at-sigterm');
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n').map(Number) : [];
}

interface BackendCount extends Disposable {
  /** The most that were seen at once. */
  readonly most: number;
  look(): void;
}

/** Counts the app's backends all the time. */
function countBackends(app: TestApp): BackendCount {
  let most = 0;
  const look = (): void => {
    most = Math.max(most, app.processes().length);
  };
  const timer = setInterval(look, 150);
  return {
    get most() {
      return most;
    },
    look,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

interface TimedRun {
  readonly run: Run;
  readonly ms: number;
}

const timed = async (command: () => Promise<Run>): Promise<TimedRun> => {
  const startedAt = performance.now();
  const run = await command();
  return { run, ms: performance.now() - startedAt };
};

const upTo = (last: number): readonly string[] => Array.from({ length: last }, (_, index) => String(index + 1));

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
