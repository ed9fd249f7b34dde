// Starting programs where the limit of open files may have been reached (EMFILE, ENFILE). Node then makes a child without
// streams, at which execa stumbles, and emits `error` at it, for which nobody listens: a supervisor would die of that.
import type { ChildProcess } from 'node:child_process';
import { subscribe } from 'node:diagnostics_channel';

let refusal: Error | null = null;

// Every child of this process, before it is started.
subscribe('child_process', (message) => {
  (message as { readonly process: ChildProcess }).process.on('error', (error) => {
    refusal = error;
  });
});

/** `start` calls execa. The child is wrapped, since execa's is a promise of its end. @throws the errno of the spawn */
export async function spawning<Child>(start: () => Child): Promise<{ readonly child: Child }> {
  refusal = null;
  try {
    return { child: start() };
  } catch (error) {
    await new Promise(setImmediate); // the errno comes in the next tick
    throw refusal ?? error;
  }
}
