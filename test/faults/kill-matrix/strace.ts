// A manager under strace(1): its calls recorded, or one of them made the moment of a signal.
//
// `inject=rename:signal=SIGKILL:when=3` sends the signal when a thread enters its third rename(2). The kernel gives a fatal
// signal precedence over the call, so it is not carried out: the process dies with everything before it done and nothing
// after. SIGSTOP is not fatal: the call is carried out, then all threads stop before the next one; strace says so in its
// log, and the rig can kill a backend at leisure, with the manager exactly between two calls, and let it go on.
// A thread pool of one thread (UV_THREADPOOL_SIZE) makes the counts of each thread the same in every run.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { stateOf } from '../../rig/processes.ts';
import { need } from '../../rig/requirements.ts';
import { until } from '../../rig/until.ts';
import { CHANGING, type Step } from './steps.ts';

export const ONE_THREAD = { UV_THREADPOOL_SIZE: '1' };

/** What strace does at a step; null only records. */
export interface Injection {
  readonly step: Step;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
}

/** `-b execve`: a child is let go when it becomes something else, so that backends are never traced. */
function argumentsFor(log: string, injection: Injection | null): readonly string[] {
  const inject =
    injection === null
      ? []
      : ['-e', `inject=${injection.step.syscall}:signal=${injection.signal}:when=${injection.step.nth}`];
  return ['-f', '-b', 'execve', '-y', '-ttt', '-s', '48', '-o', log, '-e', `trace=${CHANGING.join(',')}`, ...inject];
}

/** To start a program with. */
export const traced = (log: string, injection: Injection | null): readonly string[] => [
  need('strace'),
  '-qq',
  ...argumentsFor(log, injection),
];

export interface Tracer extends AsyncDisposable {
  readonly process: ChildProcess;
}

/** Attaches to a process that runs; counts from now on. */
export async function attach(pid: number, log: string, injection: Injection | null): Promise<Tracer> {
  const child = spawn(need('strace'), [...argumentsFor(log, injection), '-p', String(pid)], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'close');
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  await until('strace is attached', () => {
    if (child.exitCode !== null) throw new Error(`strace ended: ${said}`);
    return said.includes(`${pid} attached`);
  });
  return {
    process: child,
    async [Symbol.asyncDispose]() {
      // SIGTERM lets go of what it traces. It may wait for a leader that cannot be reaped before its threads: where all
      // of them are dead there is nothing left to trace.
      child.kill('SIGTERM');
      await until('strace has let go', () => {
        const hasEnded = child.exitCode !== null || child.signalCode !== null;
        if (!hasEnded && isOver(pid)) child.kill('SIGKILL');
        return hasEnded;
      });
      await ended;
    },
  };
}

/** Every thread of it is dead, reaped or not. */
function isOver(pid: number): boolean {
  try {
    return readdirSync(`/proc/${pid}/task`).every((thread) => ['Z', 'X', null].includes(stateOf(Number(thread))));
  } catch {
    return true; // ENOENT
  }
}

/** The text of a log so far, without the times. */
export const logAt = (path: string): string => stampedLogAt(path).replace(/^(\d+ +)\d+\.\d+ /gm, '$1');

/** With them: seconds since the epoch, of when each call was entered. */
export function stampedLogAt(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // not begun yet
  }
}

/** How often the signal has stopped the traced process. */
export const stopsIn = (log: string): number => [...log.matchAll(/^\d+ +--- SIGSTOP /gm)].length;

/** Where the link was led; null: removed. In milliseconds since the epoch. */
export interface LinkMove {
  readonly to: string | null;
  readonly at: number;
  /** No earlier than this it was there: when its thread was seen next. */
  readonly doneAt: number;
}

export function linkMovesIn(stampedLog: string, link: string): readonly LinkMove[] {
  const targets = new Map<string, string>();
  const lines = linesOf(stampedLog);
  return lines.flatMap(({ thread, at, text }, index) => {
    const [, call = '', first = '', second = ''] =
      /^(symlink|rename|unlink)\("([^"]*)"(?:, "([^"]*)")?/.exec(text) ?? [];
    if (call === 'symlink') targets.set(second, first);
    const isMove = (call === 'rename' && second === link) || (call === 'unlink' && first === link);
    if (!isMove) return [];
    const next = lines.find((line, later) => later > index && line.thread === thread);
    return { to: targets.get(first) ?? null, at, doneAt: next?.at ?? Number.POSITIVE_INFINITY };
  });
}

/** When backends were told to go. */
export const goesIn = (stampedLog: string): readonly number[] =>
  linesOf(stampedLog).flatMap(({ at, text }) => (/^write\([^,]*, "go\\n"/.test(text) ? [at] : []));

const linesOf = (stampedLog: string) =>
  [...stampedLog.matchAll(/^(\d+) +(\d+\.\d+) (.*)$/gm)].map(([, thread, stamp, text = '']) => ({
    thread,
    at: Number(stamp) * 1000,
    text,
  }));
