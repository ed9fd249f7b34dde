// A named pipe at which a program waits until the test lets it go: the moment in between is the test's own.
import { execFileSync } from 'node:child_process';
import { openSync, writeSync } from 'node:fs';

export interface Fifo {
  /** argv of a program that ends when {@link release} is called. */
  readonly waitForIt: readonly string[];
  /** Lets the program go that waits, or else the next one that comes. */
  release(): void;
}

export function makeFifo(path: string): Fifo {
  execFileSync('mkfifo', [path]);
  // Open for both, which does not wait for the other side: fifo(7).
  const pipe = openSync(path, 'r+');
  return {
    waitForIt: ['sh', '-c', 'read -r line < "$0"', path],
    release: () => void writeSync(pipe, 'go\n'),
  };
}
