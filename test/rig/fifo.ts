// A named pipe at which a program waits until the test lets it go: the moment in between is the test's own.
import { execFileSync } from 'node:child_process';
import { existsSync, openSync, writeSync } from 'node:fs';

export interface Fifo {
  /** argv of a program that ends when {@link release} is called. */
  readonly waitForIt: readonly string[];
  /** Whether such a program has come. */
  isWaitedFor(): boolean;
  /** Lets the program go that waits, or else the next one that comes. */
  release(): void;
}

export function makeFifo(path: string): Fifo {
  execFileSync('mkfifo', [path]);
  // Open for both, which does not wait for the other side: fifo(7).
  const pipe = openSync(path, 'r+');
  return {
    waitForIt: ['sh', '-c', ': > "$0.reached"; read -r line < "$0"', path],
    isWaitedFor: () => existsSync(`${path}.reached`),
    release: () => void writeSync(pipe, 'go\n'),
  };
}
