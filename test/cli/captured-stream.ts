// Stands in for a terminal or a pipe and keeps what was written.
import type { OutputStream } from '../../src/cli/output.ts';

export class CapturedStream implements OutputStream {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number | undefined;
  #onError: (error: Error) => void = () => {};

  constructor(columns?: number) {
    this.isTTY = columns !== undefined;
    this.columns = columns;
  }

  write(text: string): boolean {
    this.text += text;
    return true;
  }

  on(_event: 'error', listener: (error: Error) => void): this {
    this.#onError = listener;
    return this;
  }

  /** The reader goes away, as `| head` does. */
  break(): void {
    this.#onError(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
  }

  /** What was written since the last call, control sequences made visible. */
  take(): string {
    const taken = this.text.replaceAll('\u001b', '␛').replaceAll('\r', '␍');
    this.text = '';
    return taken;
  }

  get lines(): readonly string[] {
    return this.text.split('\n').slice(0, -1);
  }
}
