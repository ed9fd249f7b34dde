// Other users of the same machine: what they put into the state dir, what they own, and where they listen.
import type { Case, Form, Suite } from '../kit/suite.ts';
import { controlCases } from './control.ts';
import { gateCases } from './gate.ts';
import { placeCases } from './places.ts';
import { plantedCases } from './planted.ts';
import { recordCases } from './records.ts';
import { rightsCases } from './rights.ts';
import { userCases } from './users.ts';

export const suite: Suite = {
  name: 'hostile neighbours',
  concurrency: 4,
  *cases(form: Form): Iterable<Case> {
    if (process.geteuid?.() !== 0) throw new Error('hostile neighbours are other users: this suite takes root');
    for (const cases of [plantedCases, placeCases, recordCases, userCases, controlCases, rightsCases, gateCases])
      yield* cases(form);
  },
};
