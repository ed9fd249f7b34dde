// Whom the manager signalled, as strace saw it: only what was the app's before, or what it has started itself since.
import assert from 'node:assert/strict';
import type { TestApp } from '../../rig/test-app.ts';
import { type Deed, logOf } from './deeds.ts';
import { logAt } from './strace.ts';

/** `before`: the app's processes when the deed began. */
export function assertOnlyOursSignalled({ hasWorkers }: Deed, app: TestApp, before: readonly number[]): void {
  // What a backend of the deed has started itself strace does not see.
  if (hasWorkers) return;
  const lines = logAt(logOf(app)).split('\n');
  const started = lines.flatMap((line) => {
    const [, thread, rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const child = /^(?:<\.\.\. )?(?:clone3?|v?fork)\b.* = (\d+)$/.exec(rest)?.[1];
    return [thread, child].filter((pid) => pid !== undefined).map(Number);
  });
  const ours = new Set([...before, ...started]);
  for (const line of lines) {
    const [, target = '', signal = ''] = /^\d+ +t?kill\((-?\d+)(?:<[^>]*>)?, (\w+)/.exec(line) ?? [];
    if (signal === '' || signal === '0' || ours.has(Number(target))) continue;
    assert.fail(`I3: not of the app, and yet signalled: ${line}`);
  }
}
