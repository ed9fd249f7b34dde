// A program of the user's, run to its end or to its limit: hooks and exec probes. It leads a session of its own: Ctrl-C at
// our terminal is ours to answer, and what it started ends with it when its time is up.
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { execa } from 'execa';
import type { Slot } from '../core/slot.ts';
import { delay, untilAborted } from './delay.ts';
import type { Family } from './processes/family.ts';
import { identify } from './processes/identity.ts';
import { spawning } from './processes/spawn.ts';
import { terminate } from './processes/terminate.ts';

export interface Program {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** What it is run for. */
  readonly slot: Slot;
  readonly socketPath: string;
  /** Aborted when it has to end. */
  readonly stop: AbortSignal;
  /** What will be in its environment and that of all its descendants, as GRACEFUL_INSTANCE. */
  readonly instance?: string;
  /** Told who it is as soon as it runs. */
  readonly onStarted?: (program: Family) => void;
  /** SIGTERM to SIGKILL then. */
  readonly graceMs: number;
}

export interface ProgramEnd {
  /** Why it did not run at all; null when it did. */
  readonly startError: string | null;
  /** It had not ended by itself when it had to. */
  readonly wasStopped: boolean;
  readonly exitCode: number | null;
  readonly signal: string | null;
  /** The last lines of its stdout and stderr. */
  readonly output: readonly string[];
}

const TAIL_LINES = 20;
const TAIL_CHARACTERS = 16 * 1024;
const LAST_WORDS_MS = 100;

/** Runs the program; it never throws for a program that fails. @throws what `onStarted` throws; then it has been ended. */
export async function runProgram({
  argv,
  cwd,
  env,
  slot,
  socketPath,
  stop,
  graceMs,
  instance = randomUUID(),
  onStarted,
}: Program): Promise<ProgramEnd> {
  const [file = '', ...args] = argv;
  const { child } = await spawning(() =>
    execa(file, args, {
      cwd,
      env: { ...env, GRACEFUL_INSTANCE: instance },
      extendEnv: false,
      stdin: 'ignore',
      all: true,
      buffer: false, // a limit would be the program's end
      detached: true,
      reject: false,
    }),
  ).catch((error: Error) => ({ child: error }));
  if (child instanceof Error) return notStarted(child.message);
  const identity = child.pid === undefined ? null : identify(child.pid);
  if (child.pid === undefined) {
    const { originalMessage } = (await child) as { originalMessage?: string };
    return notStarted(originalMessage ?? 'it could not be started');
  }
  try {
    if (identity !== null) onStarted?.({ ...identity, slot, instance });
  } catch (error) {
    child.kill('SIGKILL'); // nobody would know of it
    await child;
    throw error;
  }
  const output = new Tail(child.all);
  const exited = once(child, 'exit').then(([exitCode, signal]) => ({ exitCode, signal }));
  const over = new AbortController();
  const stopped = untilAborted(stop, over.signal);
  const wasStopped = await Promise.race([exited.then(() => false), stopped.then(() => true)]);
  over.abort();
  if (wasStopped && identity !== null)
    await terminate(
      { ...identity, slot, instance },
      { signal: 'SIGTERM', timeoutMs: graceMs, socketPath, onSignal: () => undefined },
    ).catch(() => undefined); // a process of root's, by sudo: that the time was up is what has to be told
  const { exitCode, signal } = wasStopped
    ? await Promise.race([exited, delay(graceMs).then(() => NOT_SEEN)])
    : await exited;
  // Not to the end of its output: a process that it left in the background may keep the pipe open for ever.
  await output.ended(LAST_WORDS_MS);
  return { startError: null, wasStopped, exitCode, signal, output: output.lines() };
}

const notStarted = (startError: string): ProgramEnd => ({
  startError,
  wasStopped: false,
  exitCode: null,
  signal: null,
  output: [],
});

const NOT_SEEN = { exitCode: null, signal: null };

/** The end of what a stream says. */
class Tail {
  #text = '';
  readonly #stream: Readable;
  readonly #end: Promise<unknown>;

  constructor(stream: Readable) {
    this.#stream = stream;
    this.#end = once(stream, 'end').catch(() => undefined);
    stream.setEncoding('utf8').on('data', (chunk: string) => {
      this.#text = (this.#text + chunk).slice(-TAIL_CHARACTERS);
    });
  }

  async ended(patienceMs: number): Promise<void> {
    const over = new AbortController();
    await Promise.race([this.#end, delay(patienceMs, over.signal)]);
    over.abort();
    this.#stream.destroy();
  }

  lines(): readonly string[] {
    const text = this.#text.trimEnd();
    return text === '' ? [] : text.split('\n').slice(-TAIL_LINES);
  }
}
