// What a bad version does to the requests that the good one is answering: nothing.
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import type { FailureCode } from '../../src/core/failure.ts';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { startNginx } from '../rig/nginx.ts';
import { skipUnless } from '../rig/requirements.ts';
import { assertExit, createTestApp, type TestApp } from '../rig/test-app.ts';
import { assertAnswersAlone, assertNothingLost, underLoad } from './under-load.ts';

interface Case {
  /** "… to a version that" */
  readonly title: string;
  readonly spoil: (app: TestApp) => void;
  readonly failure: FailureCode;
  /** The fault is found before the slot is emptied: the version that a switch goes back to is still there. */
  readonly sparesInactive?: boolean;
}

const broken = (kind: string) => (app: TestApp) => {
  // One that exits does so in its own time.
  if (kind !== 'exits') app.configure({ startTimeout: '1s' });
  app.deploy('3', { APP_BROKEN: kind });
};

const CASES: readonly Case[] = [
  { title: 'to a version that exits at once', spoil: broken('exits'), failure: 'backend-exited' },
  { title: 'to a version that never listens', spoil: broken('never-listens'), failure: 'not-ready' },
  { title: 'to a version that answers 500', spoil: broken('500'), failure: 'not-ready' },
  { title: 'to a version that hangs before it listens', spoil: broken('hangs'), failure: 'not-ready' },
  {
    title: 'to a version that is not executable',
    spoil(app) {
      writeFileSync(`${app.dir}/server`, '#!/bin/sh\n', { mode: 0o644 });
      app.configure({ command: ['./server'] });
    },
    failure: 'not-executable',
    sparesInactive: true,
  },
  {
    title: 'whose beforeStart hook fails',
    spoil(app) {
      app.deploy('3');
      app.configure({ hooks: { beforeStart: ['sh', '-c', 'echo the migration failed; exit 1'] } });
    },
    failure: 'hook-failed',
    sparesInactive: true,
  },
];

describe('an update under load', { skip: SKIP_IN_SHORT || skipUnless('nginx', 'wrk'), concurrency: 2 }, () => {
  for (const { title, spoil, failure, sparesInactive = false } of CASES)
    it(`${title}: exit code 1, the link untouched, no request lost`, async () => {
      await using app = await createTestApp({ env: { APP_ON_SIGTERM: 'exit', APP_DELAY: '0-3' } });
      await app.succeed('update');
      await using nginx = await startNginx({ config: 'plain', socketPath: app.link });
      const report = await underLoad(nginx, async () => {
        // So that the slot which the bad version is to get has just been under load itself.
        app.deploy('2');
        await app.succeed('update');
        const link = app.linkIdentity();
        const [inactive, serving] = [app.pid('a'), app.pid('b')];
        spoil(app);
        const run = await app.graceful('update');
        assertExit(run, 1);
        assert.equal(run.failure?.code, failure, `${run.stdout}${run.stderr}`);
        assert.equal(app.linkIdentity(), link);
        assert.deepEqual(new Set(app.processes()), new Set(sparesInactive ? [inactive, serving] : [serving]));
      });
      assertNothingLost(report, nginx);
      assert.deepEqual(Object.keys(report.versions), ['1', '2']);
      await assertAnswersAlone('2', nginx);
    });
});
