// What main gives a command, since nobody else reads argv, the environment and the streams.
import type { ReadStream, WriteStream } from 'node:tty';
import type { Globals } from '../cli/invocation.ts';
import type { Config } from '../core/config.ts';

export interface Surroundings {
  /** The whole of it: node, the script, and what was typed. */
  readonly argv: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
  readonly stdin: ReadStream;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  /** Colours on stdout. */
  colour(globals: Globals): boolean;
  /** The configuration that the flags mean. @throws `config` */
  configFor(globals: Globals): Promise<Config>;
  /** That of a file; null: the one that is found. @throws `config` */
  read(file: string | null, globals: Globals): Promise<Config>;
  /** Calls back at the first Ctrl-C or SIGTERM; returns how to let go. */
  onInterrupt(ask: (by: string) => void): () => void;
}
