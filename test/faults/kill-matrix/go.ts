// The shell that waits for its `go`: its identity is on disk, and the app in it has not begun.
import { SLOTS } from '../../../src/core/slot.ts';
import { childrenOf } from '../../../src/system/processes/usage.ts';
import { argumentsOf } from '../../rig/processes.ts';
import type { TestApp } from '../../rig/test-app.ts';
import { lives, recordOf } from '../kit/state-files.ts';

/** Its pid; null where no recorded backend waits. The leader of workers stays a shell, and then has children. */
export function waitingForGo(app: TestApp): number | null {
  const pids = SLOTS.flatMap((slot) => {
    const record = recordOf(app, slot);
    return record !== null && lives(record) ? [record.pid] : [];
  });
  return (
    pids.find((pid) => argumentsOf(pid).some((text) => text.includes('read -r go')) && childrenOf(pid).length === 0) ??
    null
  );
}
