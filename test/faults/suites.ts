// Every suite of the battery, by the name that --suite takes; loaded one by one, when its turn has come.
import type { Suite } from './kit/suite.ts';

export const SUITES: Readonly<Record<string, () => Promise<{ readonly suite: Suite }>>> = {
  'kill-matrix': () => import('./kill-matrix/suite.ts'),
  identity: () => import('./identity/suite.ts'),
  'many-at-once': () => import('./many-at-once/suite.ts'),
  'hostile-neighbours': () => import('./hostile-neighbours/suite.ts'),
  'system-errors': () => import('./system-errors/suite.ts'),
  'power-loss': () => import('./power-loss/suite.ts'),
  protocol: () => import('./protocol/suite.ts'),
  model: () => import('./model/suite.ts'),
  'bad-input': () => import('./bad-input/suite.ts'),
};
