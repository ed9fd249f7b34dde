// What the demo looks like: a shell session with the tool's own lines indented, and below it, on a terminal, a line that lives.
import { stripVTControlCharacters } from 'node:util';
import pc from 'picocolors';
import { type OutputStream, outputTo } from '../../src/cli/output.ts';
import { truncate, visibleWidth, wrap } from '../../src/cli/text.ts';

export interface Look {
  readonly colour: boolean;
  /** Lines may be redrawn. */
  readonly live: boolean;
}

export class Screen {
  readonly paint: ReturnType<typeof pc.createColors>;
  readonly #live: boolean;
  readonly #stdout: ReturnType<typeof outputTo>;
  #pulse: string | null = null;
  #closed = false;

  constructor(stream: OutputStream, { colour, live }: Look) {
    this.paint = pc.createColors(colour);
    this.#live = live;
    this.#stdout = outputTo(stream);
    if (live) this.#stdout.write(HIDE_CURSOR);
  }

  /** One line as it is. */
  line(text = ''): void {
    this.#write(`${text}\n`);
  }

  remark(text: string): void {
    this.line();
    for (const line of wrap(text, this.#width() - 2)) this.line(this.paint.dim(`# ${line}`));
  }

  command(text: string): void {
    this.line(`${this.paint.dim('$')} ${this.paint.bold(text)}`);
  }

  /** What a command printed. */
  output(text: string, tint: (text: string) => string = (plain) => plain): void {
    const fits = visibleWidth(text) <= this.#width() - INDENT.length;
    for (const line of fits ? [text] : wrap(text, this.#width() - INDENT.length))
      this.line(line === '' ? '' : `${INDENT}${tint(line)}`);
  }

  /** Redraws the live line; in a pipe there is none. */
  pulse(text: string): void {
    this.#pulse = text;
    this.#write('');
  }

  /** Lets the live line stand as it is; in a pipe this is the only time it is seen. */
  keepPulse(): void {
    const kept = this.#pulse;
    this.#pulse = null;
    if (kept !== null) this.line(kept);
  }

  /** Gives the terminal back. Nothing is printed any more but last words. */
  close(lastWords = ''): void {
    if (this.#closed) return;
    this.#pulse = null;
    this.#write(this.#live ? SHOW_CURSOR : '');
    if (lastWords !== '') this.line(lastWords);
    this.#closed = true;
  }

  #write(text: string): void {
    if (this.#closed) return;
    if (!this.#live) {
      this.#stdout.write(text);
      return;
    }
    // A line as wide as the terminal would wrap, and could not be erased any more.
    const pulse = this.#pulse ?? '';
    const room = this.#stdout.width() - 1;
    const fitting = visibleWidth(pulse) <= room ? pulse : truncate(stripVTControlCharacters(pulse), room);
    this.#stdout.write(`${ERASE_LINE}${text}${fitting}`);
  }

  #width(): number {
    return this.#live ? this.#stdout.width() : Number.POSITIVE_INFINITY;
  }
}

const INDENT = '    ';
const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const ERASE_LINE = '\r\u001b[2K';
