// A health check by FastCGI over the unix socket, as nginx would ask php-fpm: one request on one connection, the Responder
// role, and of the answer the `Status` header (FastCGI 1.0, sections 3 to 6; RFC 3875, section 6.3.3).
import { connect } from 'node:net';
import type { HealthCheck } from '../../core/config.ts';
import { describeErrno, type Finding } from './finding.ts';
import type { Limit } from './limit.ts';

type FastcgiCheck = Extract<HealthCheck, { type: 'fastcgi' }>;

const VERSION = 1;
const BEGIN_REQUEST = 1;
const END_REQUEST = 3;
const PARAMS = 4;
const STDIN = 5;
const STDOUT = 6;
const STDERR = 7;
const RESPONDER = 1;
const REQUEST_ID = 1;
const HEADER_BYTES = 8;

/** What END_REQUEST says of a request that was not carried out: FCGI_protocolStatus. */
const REFUSALS: Readonly<Record<number, string>> = {
  1: 'it takes one request per connection',
  2: 'it is overloaded',
  3: 'it does not know the Responder role',
};

export const probeFastcgi = (check: FastcgiCheck, socketPath: string, limit: Limit): Promise<Finding> =>
  new Promise((resolve) => {
    const socket = connect(socketPath);
    const answer = new Answer();
    const settle = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    const conclude = (otherwise: string): void => {
      const status = answer.status();
      settle({
        ok: status !== null && check.status.some(([from, to]) => from <= status && status <= to),
        detail: status === null ? (answer.complaint ?? otherwise) : `FastCGI ${status}`,
      });
    };
    limit.whenOver(() => conclude(socket.connecting ? 'not connected' : `connected, no answer to ${check.path}`));

    socket.write(requestFor(check));
    socket.on('data', (chunk) => {
      answer.take(chunk);
      if (answer.isWhole) conclude('the answer is not FastCGI');
    });
    socket.once('error', (error: NodeJS.ErrnoException) => conclude(describeErrno(error)));
    socket.once('close', () =>
      conclude(answer.isEmpty ? 'closed the connection without an answer' : 'the answer is not FastCGI'),
    );
  });

function requestFor({ path, script, host }: FastcgiCheck): Buffer {
  const [name = '', query = ''] = path.split('?');
  const params = {
    GATEWAY_INTERFACE: 'CGI/1.1',
    SERVER_PROTOCOL: 'HTTP/1.1',
    SERVER_SOFTWARE: 'graceful-health',
    SERVER_NAME: host,
    HTTP_HOST: host,
    HTTP_USER_AGENT: 'graceful-health',
    REMOTE_ADDR: '127.0.0.1',
    REQUEST_METHOD: 'GET',
    REQUEST_URI: path,
    DOCUMENT_URI: name,
    SCRIPT_NAME: name,
    SCRIPT_FILENAME: script ?? name,
    QUERY_STRING: query,
  };
  // No FCGI_KEEP_CONN: the probe is never a connection that a drain waits for.
  return Buffer.concat([
    record(BEGIN_REQUEST, Buffer.from([0, RESPONDER, 0, 0, 0, 0, 0, 0])),
    record(PARAMS, Buffer.concat(Object.entries(params).map(([key, value]) => pair(key, value)))),
    record(PARAMS, Buffer.alloc(0)),
    record(STDIN, Buffer.alloc(0)),
  ]);
}

function record(type: number, content: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt8(VERSION, 0);
  header.writeUInt8(type, 1);
  header.writeUInt16BE(REQUEST_ID, 2);
  header.writeUInt16BE(content.length, 4);
  return Buffer.concat([header, content]);
}

function pair(key: string, value: string): Buffer {
  const [name, text] = [Buffer.from(key), Buffer.from(value)];
  return Buffer.concat([lengthOf(name), lengthOf(text), name, text]);
}

/** One byte up to 127, else four with the highest bit set. */
function lengthOf({ length }: Buffer): Buffer {
  if (length < 0x80) return Buffer.from([length]);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE((0x80000000 | length) >>> 0);
  return bytes;
}

/** What has come so far. A few kilobytes at most are kept: an endless body is nobody's health. */
class Answer {
  isWhole = false;
  isEmpty = true;
  /** Why there is no status. */
  complaint: string | null = null;
  #rest: Buffer = Buffer.alloc(0);
  #out = '';
  #err = '';

  take(chunk: Buffer): void {
    this.isEmpty = false;
    this.#rest = Buffer.concat([this.#rest, chunk]);
    while (this.#rest.length >= HEADER_BYTES && !this.isWhole) {
      if (this.#rest[0] !== VERSION) {
        this.isWhole = true; // HTTP, or rubbish
        return;
      }
      const content = this.#rest.readUInt16BE(4);
      const end = HEADER_BYTES + content + this.#rest.readUInt8(6);
      if (this.#rest.length < end) return;
      this.#record(this.#rest.readUInt8(1), this.#rest.subarray(HEADER_BYTES, HEADER_BYTES + content));
      this.#rest = this.#rest.subarray(end);
    }
  }

  /** 200 unless the headers say otherwise; null as long as they are not whole. */
  status(): number | null {
    const head = /^([\s\S]*?)\r?\n\r?\n/.exec(this.#out)?.[1];
    if (head === undefined) return null;
    const status = /^Status:\s*([1-5]\d\d)\b/im.exec(head)?.[1];
    if (status !== undefined) return Number(status);
    return /^[A-Za-z-]+:/m.test(head) ? 200 : null;
  }

  #record(type: number, content: Buffer): void {
    if (type === STDOUT) this.#out = (this.#out + content.toString('latin1')).slice(0, 64 * 1024);
    else if (type === STDERR) this.#err = (this.#err + content.toString('utf8')).slice(-1024);
    else if (type === END_REQUEST) {
      this.isWhole = true;
      this.complaint = REFUSALS[content[4] ?? 0] ?? this.#err.trim().split('\n').at(-1) ?? null;
      if (this.complaint === '') this.complaint = null;
    }
  }
}
