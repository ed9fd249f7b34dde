// Waiting without holding anything up.
import { setTimeout as sleep } from 'node:timers/promises';

/** Resolves after `ms`, or at once when the signal is aborted; it never rejects. */
export async function delay(ms: number, signal?: AbortSignal): Promise<void> {
  try {
    await sleep(ms, undefined, signal === undefined ? {} : { signal });
  } catch {
    // AbortError: whoever waits looks at the signal itself.
  }
}
