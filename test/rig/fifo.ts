// A named pipe at which a program waits until the test lets it go: the moment in between is the test's own.
import { execFileSync } from 'node:child_process';
import { open } from 'node:fs/promises';

export interface Fifo {
  /** argv of a program that ends when {@link release} is called. */
  readonly waitForIt: readonly string[];
  /** Lets the program go that waits, or the next one that comes. */
  release(): Promise<void>;
}

export function makeFifo(path: string): Fifo {
  execFileSync('mkfifo', [path]);
  return {
    waitForIt: ['sh', '-c', 'read -r line < "$0"', path],
    async release() {
      await using pipe = await open(path, 'w'); // waits for a reader
      await pipe.write('go\n');
    },
  };
}
