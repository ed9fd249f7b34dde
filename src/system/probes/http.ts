// A health check by HTTP over the unix socket. One request on one connection, and of the answer only its status and its length
// matter, so a plain socket does: node:http would cost every keepalive five milliseconds.
import { connect } from 'node:net';
import type { HealthCheck } from '../../core/config.ts';
import { describeErrno, type Finding } from './finding.ts';
import { HttpAnswer } from './http-answer.ts';
import type { Limit } from './limit.ts';

type HttpCheck = Extract<HealthCheck, { type: 'http' }>;

export const probeHttp = (check: HttpCheck, socketPath: string, limit: Limit): Promise<Finding> =>
  new Promise((resolve) => {
    const socket = connect(socketPath);
    const answer = new HttpAnswer();
    const settle = (finding: Finding): void => {
      socket.destroy();
      resolve(finding);
    };
    /** No more of it will come, or nobody waits for it. */
    const conclude = (whyNone: string, isClosed: boolean): void => {
      const missing = answer.missing({ isClosed });
      settle(judge(check, answer.status, missing, whyNone));
    };
    // With a status and no length it has answered, and its body is endless.
    limit.whenOver(() =>
      conclude(socket.connecting ? 'not connected' : `connected, no answer to GET ${check.path}`, false),
    );

    // Connection: close, so that the probe itself is never a connection that a drain waits for.
    socket.write(
      `GET ${check.path} HTTP/1.1\r\nHost: ${check.host}\r\nUser-Agent: graceful-health\r\nAccept: */*\r\nConnection: close\r\n\r\n`,
    );
    socket.on('data', (chunk) => {
      // Read to its end: a backend that is cut off may log an error.
      const found = answer.take(chunk);
      if (found === 'not HTTP') settle({ ok: false, detail: NOT_HTTP });
      else if (found === 'whole') conclude('', false);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => conclude(describeErrno(error), true));
    socket.once('close', () => conclude(answer.isEmpty ? 'closed the connection without an answer' : NOT_HTTP, true));
  });

const NOT_HTTP = 'the answer is not HTTP';

function judge(check: HttpCheck, status: number | null, missing: string | null, whyNone: string): Finding {
  if (status === null) return { ok: false, detail: whyNone };
  if (missing !== null) return { ok: false, detail: `HTTP ${status}, ${missing}` };
  return { ok: check.status.some(([from, to]) => from <= status && status <= to), detail: `HTTP ${status}` };
}
