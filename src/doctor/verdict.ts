// What the findings come to, for a script.
import type { Finding } from './finding.ts';

/** 1 when something has to be mended: an error, or under `--strict` a warning too. */
export const exitCodeOf = (findings: readonly Finding[], strict: boolean): 0 | 1 =>
  findings.some(({ severity }) => severity === 'error' || (strict && severity === 'warning')) ? 1 : 0;
