// SIGKILL at every step.
import { createTestApp, NODE_APP } from '../../rig/test-app.ts';
import { watch } from '../kit/invariants.ts';
import type { Suite } from '../kit/suite.ts';

export const suite: Suite = {
  name: 'kill matrix',
  concurrency: 2,
  *cases() {
    for (const app of [NODE_APP])
      yield {
        row: 'update, one-shot: nothing is killed',
        name: 'update, one-shot: nothing is killed',
        tried: ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear'],
        async run() {
          await using test = await createTestApp({ app });
          await test.succeed('start', '--all');
          await using witness = await watch(test);
          await test.succeed('update');
          await witness.check({ again: ['update'] });
        },
      };
  },
};
