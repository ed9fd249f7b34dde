// A health check by HTTP over the unix socket. One request on one connection, and of the answer only the status line
// matters (RFC 9112, section 4), so a plain socket does: node:http would cost every keepalive five milliseconds.
import { connect } from 'node:net';
import type { HealthCheck } from '../../core/config.ts';
import { describeErrno, type Finding } from './finding.ts';
import type { Limit } from './limit.ts';

type HttpCheck = Extract<HealthCheck, { type: 'http' }>;

const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: [^\r\n]*)?\r?\n/;
/** An answer to `GET /healthz` that has no status line in its first bytes is none. */
const MAX_STATUS_LINE_BYTES = 8 * 1024;

export const probeHttp = (check: HttpCheck, socketPath: string, limit: Limit): Promise<Finding> =>
  new Promise((resolve) => {
    const socket = connect(socketPath);
    let head = '';
    let status: number | null = null;
    const settle = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    const finding = (code: number): Finding => ({
      ok: check.status.some(([from, to]) => from <= code && code <= to),
      detail: `HTTP ${code}`,
    });
    const giveUp = (): void => {
      const silent = socket.connecting ? 'not connected' : `connected, no answer to GET ${check.path}`;
      // With a status, it has answered, and its body is endless.
      settle(status === null ? { ok: false, detail: silent } : finding(status));
    };
    limit.whenOver(giveUp);

    // Connection: close, so that the probe itself is never a connection that a drain waits for.
    socket.write(
      `GET ${check.path} HTTP/1.1\r\nHost: ${check.host}\r\nUser-Agent: graceful-health\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
    );
    socket.on('data', (chunk) => {
      if (status !== null) return; // the rest is read to its end: a backend that is cut off may log an error
      head += chunk.toString('latin1');
      const code = finalStatus(head);
      if (code !== null) status = code;
      else if (head.length > MAX_STATUS_LINE_BYTES) settle({ ok: false, detail: 'the answer is not HTTP' });
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      settle(status === null ? { ok: false, detail: describeErrno(error) } : finding(status)),
    );
    socket.once('close', () => settle(status === null ? { ok: false, detail: unanswered(head) } : finding(status)));
  });

/** The status code once it has come, past any interim answers (1xx, RFC 9110, section 15.2). */
function finalStatus(head: string): number | null {
  const found = STATUS_LINE.exec(head);
  if (found === null) return null;
  const code = Number(found[1]);
  if (code >= 200) return code;
  const end = head.indexOf('\r\n\r\n');
  return end === -1 ? null : finalStatus(head.slice(end + 4));
}

const unanswered = (head: string): string =>
  head === '' ? 'closed the connection without an answer' : 'the answer is not HTTP';
