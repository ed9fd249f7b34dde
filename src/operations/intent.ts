// The latest intent wins: an operation that waited for connections does not bring up what was taken down meanwhile.
import { fail } from '../core/failure.ts';
import type { Desired } from '../core/status.ts';
import type { Snapshot } from './observe.ts';

/** @throws `superseded` when the app was wanted up at the beginning and has been taken down since. */
export function assertStillWanted(intent: Desired, { desired }: Snapshot): void {
  if (intent === 'up' && desired === 'down')
    throw fail('superseded', 'the app was taken down by another command meanwhile', { by: 'stop' });
}
