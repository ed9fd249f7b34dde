// The load as the demo sees it: what was counted so far, and who answers now.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { LoadReport } from '../rig/load-report.ts';
import type { LoadMessage } from './load-process.ts';

/** "Now" is this long. */
const WINDOW_MS = 600;

export class Traffic implements AsyncDisposable {
  readonly #process: ChildProcess;
  readonly #recent: LoadReport[] = [];
  readonly #ended: Promise<void>;
  #final: LoadReport | null = null;

  /** Starts the load. `onReport` is called ten times a second. */
  constructor(port: number, onReport: () => void) {
    this.#process = fork(fileURLToPath(new URL('./load-process.js', import.meta.url)), [String(port)]);
    this.#ended = new Promise((resolve) => this.#process.once('exit', () => resolve()));
    this.#process.on('message', ({ report, final }: LoadMessage) => {
      this.#recent.push(report);
      while (this.#recent.length > 1 && report.durationMs - (this.#recent[0]?.durationMs ?? 0) > WINDOW_MS)
        this.#recent.shift();
      if (final) {
        this.#final = report;
        this.#process.disconnect();
      } else onReport();
    });
  }

  /** The latest report; null before the first one. */
  get soFar(): LoadReport | null {
    return this.#recent.at(-1) ?? null;
  }

  get ended(): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Requests a second, per version that answers now. */
  get rates(): Readonly<Record<string, number>> {
    const first = this.#recent[0];
    const last = this.#recent.at(-1);
    if (first === undefined || last === undefined || first === last) return {};
    const seconds = (last.durationMs - first.durationMs) / 1000;
    return Object.fromEntries(
      Object.entries(last.versions)
        .map(([version, count]) => [version, (count - (first.versions[version] ?? 0)) / seconds] as const)
        .filter(([, rate]) => rate > 0),
    );
  }

  /** Waits for the answers that are due, and returns the sums. */
  async finish(): Promise<LoadReport> {
    if (this.#process.connected) this.#process.send('finish', () => undefined);
    await this.#ended;
    if (this.#final === null) throw new Error('the load generator ended without a report');
    return this.#final;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.ended) this.#process.kill('SIGKILL');
    await this.#ended;
  }
}
