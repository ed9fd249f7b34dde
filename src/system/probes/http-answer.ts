// As much of an answer by HTTP as a health check needs: its status, and whether it came whole (RFC 9112, sections 4 and 6).

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?\r?\n/;
/** An answer to `GET /healthz` that has no status line in its first bytes is none. */
const MAX_STATUS_LINE_BYTES = 8 * 1024;
const MAX_HEAD_BYTES = 64 * 1024;
/** And the trailers behind it; in the last bytes of the body, of which so many are kept. */
const LAST_CHUNK = /\r\n0+[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n$/;
const TAIL_BYTES = 1024;

export class HttpAnswer {
  /** Null as long as it has not come. */
  status: number | null = null;
  #head = '';
  /** What its header promises; null where the end of the connection is the end of the body. */
  #length: number | null = null;
  #isChunked = false;
  #hasBody = false;
  #received = 0;
  #tail = '';

  /** What has come so far: all of it, not all yet, or nothing that HTTP would know. */
  take(chunk: Buffer): 'whole' | 'part' | 'not HTTP' {
    if (this.#hasBody) return this.#takeBody(chunk);
    this.#head += chunk.toString('latin1');
    this.#skipInterim();
    const code = STATUS_LINE.exec(this.#head)?.[1];
    if (code === undefined) return this.#head.length > MAX_STATUS_LINE_BYTES ? 'not HTTP' : 'part';
    if (Number(code) < 200) return 'part';
    this.status = Number(code);
    const end = this.#head.indexOf('\r\n\r\n');
    if (end === -1) {
      // Longer than anybody's: read on without it, and the end of the connection is the end.
      this.#hasBody = this.#head.length > MAX_HEAD_BYTES;
      return 'part';
    }
    this.#hasBody = true;
    this.#readHeader(this.#head.slice(0, end + 2));
    return this.#takeBody(Buffer.from(this.#head.slice(end + 4), 'latin1'));
  }

  /** What is missing of what was promised, in words; null where nothing is known to be missing, or it is only slow. */
  missing({ isClosed }: { readonly isClosed: boolean }): string | null {
    if (this.#length !== null && this.#received < this.#length)
      return `cut off after ${this.#received} of ${this.#length} bytes`;
    if (!isClosed) return null;
    if (!this.#hasBody) return 'cut off in its header';
    return this.#isChunked && !LAST_CHUNK.test(this.#tail) ? 'cut off before its last chunk' : null;
  }

  get isEmpty(): boolean {
    return this.#head === '';
  }

  /** Interim answers (1xx, RFC 9110, section 15.2). */
  #skipInterim(): void {
    for (;;) {
      const isInterim = (STATUS_LINE.exec(this.#head)?.[1] ?? '').startsWith('1');
      const end = this.#head.indexOf('\r\n\r\n');
      if (!isInterim || end === -1) return;
      this.#head = this.#head.slice(end + 4);
    }
  }

  #readHeader(header: string): void {
    this.#isChunked = /\r\ntransfer-encoding:[^\r]*\bchunked/i.test(header);
    const length = /\r\ncontent-length:[ \t]*(\d+)[ \t]*\r\n/i.exec(header)?.[1];
    const isBodiless = this.status === 204 || this.status === 304;
    if (isBodiless) this.#length = 0;
    else if (!this.#isChunked && length !== undefined) this.#length = Number(length);
  }

  #takeBody(chunk: Buffer): 'whole' | 'part' {
    this.#received += chunk.length;
    if (this.#length !== null) return this.#received >= this.#length ? 'whole' : 'part';
    if (!this.#isChunked) return 'part';
    this.#tail = `${this.#tail === '' ? '\r\n' : this.#tail}${chunk.toString('latin1')}`.slice(-TAIL_BYTES);
    return LAST_CHUNK.test(this.#tail) ? 'whole' : 'part';
  }
}
