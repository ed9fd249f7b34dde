// Who is who: pids that were given again, backends that fork, clocks that jump, processes that are suspended or elsewhere.
import type { Case, Form, Suite } from '../kit/suite.ts';
import { clockCases } from './clock.ts';
import { elsewhereCases } from './elsewhere.ts';
import { reuseCases } from './reuse.ts';
import { shapeCases } from './shapes.ts';
import { suspendedCases } from './suspended.ts';

export const suite: Suite = {
  name: 'identity',
  concurrency: 3,
  *cases(form: Form): Iterable<Case> {
    for (const cases of [reuseCases, shapeCases, clockCases, suspendedCases, elsewhereCases]) yield* cases(form);
  },
};
