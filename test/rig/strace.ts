// strace(1) as an injector of errors and a witness of what a command does to the files.
import { need } from './requirements.ts';

/** Which call of which system call fails, and how: the `when`-th of each thread, or the `when`-th of each on `path`; `1+` is each. */
export interface Fault {
  readonly call: string;
  readonly error: string;
  readonly when: number | '1+';
  readonly path?: string;
}

/** One pool thread, so that the calls come in the same order every time. */
export const STRACE_ENV = { UV_THREADPOOL_SIZE: '1' };

/** A wrapper that has one call fail. What the command starts is let go at its execve(2): backends never suffer. */
export const straceInjecting = ({ call, error, when, path }: Fault, log: string): readonly string[] => [
  ...strace(log),
  ...(path === undefined ? [] : ['-P', path]),
  '-e',
  `trace=${call}`,
  '-e',
  `inject=${call}:error=${error}:when=${when}`,
];

/** A wrapper that writes the calls to `log`, with the paths behind descriptors and whole strings. */
export const straceRecording = (calls: string, log: string): readonly string[] => [
  ...strace(log),
  '-s',
  '4096',
  '-e',
  `trace=${calls}`,
];

const strace = (log: string): readonly string[] => [
  need('strace'),
  '-f',
  '-y',
  '--quiet=all',
  '-b',
  'execve',
  '-o',
  log,
];
