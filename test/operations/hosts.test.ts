// Whoever carries out an operation, what it says is the same: event by event, outcome, failure, exit code, and on the screen.
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { type HostedApp, onEveryHost } from '../rig/hosts.ts';
import type { Run } from '../rig/test-app.ts';

type Step = readonly string[] | ((app: HostedApp) => unknown);

const commands = (...lines: readonly string[]): readonly Step[] => lines.map((line) => line.split(' '));

const STORIES: Readonly<Record<string, readonly Step[]>> = {
  'good versions': [
    ...commands('keepalive', 'update', 'keepalive', 'update', 'update --stop-old', 'switch', 'switch a'),
    (app) => app.deploy('2'),
    ...commands('start --all', 'switch', 'switch', 'restart a', 'restart --all', 'stop --inactive', 'stop --inactive'),
  ],
  'bad versions': [
    ...commands('switch', 'start a', 'start'),
    (app) => app.deploy('2', { APP_BROKEN: 'exits' }),
    ...commands('update', 'restart a', 'start b', 'switch b', 'stop a'),
    (app) => app.configure({ hooks: { afterFailure: ['sh', '-c', 'echo alas; exit 3'] } }),
    ...commands('update'),
    (app) => app.configure({ command: ['./missing'] }),
    ...commands('update'),
    (app) => app.configure({ envFile: 'missing.env' }),
    ...commands('update', 'switch b', 'stop a --force'),
    (app) => app.configure({ drainTimeuot: '5s' }),
    ...commands('update', 'stop --all'),
  ],
  'up and down': [
    ...commands('stop --all', 'keepalive', 'start', 'stop b', 'stop --all', 'stop --all', 'keepalive', 'update'),
    (app) => app.post('/fail-health'),
    ...commands('start', 'switch', 'stop --inactive', 'keepalive', 'keepalive', 'stop a --force', 'stop --all'),
  ],
};

describe('one-shot and supervised', { concurrency: true, timeout: 600_000, skip: SKIP_IN_SHORT }, () => {
  for (const [title, steps] of Object.entries(STORIES))
    for (const form of title === 'bad versions' ? ['--json', '--no-color'] : ['--json'])
      it(`are told alike: ${title} (${form})`, async () => {
        const [oneShot, supervised] = await onEveryHost((app) => tell(app, steps, form));
        assert.deepEqual(supervised, oneShot);
      });
});

/** What each command of the story says, without what no two runs have in common. */
async function tell(app: HostedApp, steps: readonly Step[], form: string): Promise<readonly unknown[]> {
  const told: unknown[] = [];
  for (const step of steps) {
    if (typeof step === 'function') await step(app);
    else told.push([step.join(' '), ...comparable(await app.plain(...step, form), app)]);
  }
  return told;
}

/** Waits are left out: whether there is one, and what is seen meanwhile, is a matter of milliseconds. */
function comparable({ code, stdout, stderr }: Run, app: HostedApp): readonly unknown[] {
  const lines = (text: string): readonly string[] =>
    text
      .split('\n')
      .filter((line) => !/waiting/.test(line))
      .map((line) =>
        line
          .replaceAll(app.dir, 'DIR')
          .replace(/"at":"[^"]*","seq":\d+/, '')
          .replace(/("(?:pid|ms|\w+Ms)":|pid )\d+/g, '$1N')
          .replace(/\d+(?:\.\d+)? (?:ms|s)\b/g, 'N ms'),
      );
  return [code, lines(stdout), lines(stderr)];
}
