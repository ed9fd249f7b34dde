// Runs the real `graceful` in the demo's directory, and sees to it that nothing of it stays behind.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { processesWith } from '../rig/processes.ts';
import { BIN, cleanEnvironment } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

/** A line, and whether it is progress (stderr) or the answer (stdout). */
export type OnLine = (line: string, from: 'stdout' | 'stderr') => void;

export interface Ran {
  readonly code: number | null;
  readonly ms: number;
  /** Everything printed, progress first. */
  readonly lines: readonly string[];
}

export class Shell implements AsyncDisposable {
  readonly #dir: string;
  readonly #env: NodeJS.ProcessEnv;
  readonly #running = new Set<ChildProcess>();
  #closing = false;

  constructor(dir: string, colour: boolean) {
    this.#dir = dir;
    const { PATH = '', ...env } = cleanEnvironment();
    // The app's `node` is this one.
    this.#env = {
      ...env,
      PATH: [dirname(process.execPath), PATH].join(delimiter),
      FORCE_COLOR: colour ? '1' : '0',
    };
  }

  /** Runs a command to its end. Its answer comes after its progress, as on a terminal. */
  async run(args: readonly string[], onLine: OnLine): Promise<Ran> {
    if (this.#closing) throw new Error('the demo is being taken down');
    const startedAt = performance.now();
    const child = this.#spawn(args);
    const lines: string[] = [];
    const answer: string[] = [];
    eachLine(child, (line, from) => {
      if (from === 'stdout') answer.push(line);
      else {
        lines.push(line);
        onLine(line, from);
      }
    });
    const code = await endOf(child);
    const ms = performance.now() - startedAt;
    for (const line of answer) onLine(line, 'stdout');
    return { code, ms, lines: [...lines, ...answer] };
  }

  /** Starts a command that stays, and resolves with its first line on stdout. */
  start(args: readonly string[], onLine: OnLine): Promise<string> {
    const child = this.#spawn(args);
    return new Promise((resolve, reject) => {
      eachLine(child, (line, from) => {
        if (!this.#closing) onLine(line, from);
        if (from === 'stdout') resolve(line);
      });
      void endOf(child).then((code) => reject(new Error(`graceful ${args.join(' ')} ended with ${code}`)));
    });
  }

  /** Ends what runs, takes the app down, and makes sure of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closing) return;
    this.#closing = true;
    for (const child of this.#running) child.kill('SIGTERM');
    await Promise.all([...this.#running].map(endSoon));
    if (!existsSync(join(this.#dir, 'var'))) return;
    // In a session of its own: another Ctrl-C does not reach it.
    await endSoon(this.#spawn(['stop', '--all', '--quiet'], true));
    if (!existsSync('/proc/self/environ')) return;
    await until('no process of the demo is left', () => {
      const left = processesWith('GRACEFUL_SOCKET', `${this.#dir}/`);
      for (const pid of left) kill(pid);
      return left.length === 0;
    });
  }

  #spawn(args: readonly string[], detached = false): ChildProcess {
    const child = spawn(process.execPath, [BIN, ...args], {
      cwd: this.#dir,
      env: this.#env,
      stdio: ['ignore', 'pipe', 'pipe'],
      detached,
    });
    this.#running.add(child);
    child.once('close', () => this.#running.delete(child));
    return child;
  }
}

const PATIENCE_MS = 10_000;

/** Waits for the end; what does not end is killed. */
async function endSoon(child: ChildProcess): Promise<void> {
  const patience = setTimeout(() => child.kill('SIGKILL'), PATIENCE_MS);
  await endOf(child);
  clearTimeout(patience);
}

const endOf = (child: ChildProcess): Promise<number | null> =>
  new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve(code));
  });

function eachLine(child: ChildProcess, onLine: OnLine): void {
  for (const from of ['stdout', 'stderr'] as const) {
    const input = child[from];
    if (input !== null) createInterface({ input }).on('line', (line) => onLine(line, from));
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: gone
  }
}
