// A clear failure: one of our exit codes, words for people, and never the inside of the program.
import assert from 'node:assert/strict';
import { EXIT_CODES } from '../../../src/core/failure.ts';
import type { Run } from '../../rig/test-app.ts';

const STACK_TRACE = /^\s+at .+[:(]\d+:\d+\)?$|^node:internal|Unhandled|UnhandledPromiseRejection/m;
const KNOWN: ReadonlySet<number> = new Set([0, ...Object.values(EXIT_CODES)]);

/** No stack trace, no bug of ours, no exit code that means nothing. */
export function assertClear(run: Run): void {
  const said = `${run.stdout}${run.stderr}`;
  assert.ok(!STACK_TRACE.test(said), `clear: a stack trace was shown\n${said}`);
  assert.notEqual(run.code, EXIT_CODES.internal, `clear: ended as a bug\n${said}`);
  assert.ok(run.code !== null && KNOWN.has(run.code), `clear: ended with ${run.code ?? run.signal}\n${said}`);
}
