// Many at once on one state dir: mutual exclusion with an independent witness, no deadlock, nobody waits longer than asked.
import type { Case, Form, Suite } from '../kit/suite.ts';
import { commandCases } from './commands.ts';
import { lockCases } from './lock.ts';

export const suite: Suite = {
  name: 'many at once',
  concurrency: 1,
  *cases(form: Form): Iterable<Case> {
    yield* lockCases(form);
    yield* commandCases(form);
  },
};
