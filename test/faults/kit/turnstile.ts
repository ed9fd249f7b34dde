// An independent witness of "one operation at a time": a hook that notes when another one is at work beside it.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

// The kernel's lock on descriptor 9 goes with the hook, however that ends.
const SCRIPT = 'exec 9>"$1/turnstile"; flock -n 9 || echo "hook $$ ran beside another" >> "$1/collisions"; sleep 0.02';

/** For `config`: both hooks that run under the lock pass through the app's turnstile. */
export const turnstileHooks = (dir: string) => ({
  beforeStart: ['/bin/sh', '-c', SCRIPT, 'turnstile', dir],
  afterSwitch: ['/bin/sh', '-c', SCRIPT, 'turnstile', dir],
});

export function assertNoCollision(dir: string): void {
  const path = join(dir, 'collisions');
  assert.ok(!existsSync(path), existsSync(path) ? `I4: ${readFileSync(path, 'utf8')}` : '');
}
