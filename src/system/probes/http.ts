// A health check by HTTP over the unix socket.
import type { HealthCheck } from '../../core/config.ts';
import { describeErrno } from './connect.ts';
import type { Finding } from './probe.ts';

type HttpCheck = Extract<HealthCheck, { type: 'http' }>;

export async function probeHttp(check: HttpCheck, socketPath: string, stop: AbortSignal): Promise<Finding> {
  const { request } = await import('node:http'); // 2 ms that the other kinds need not spend
  return new Promise((resolve) => {
    const sent = request({
      socketPath,
      path: check.path,
      // Connection: close, so that the probe itself is never a connection that a drain waits for.
      headers: { host: check.host, 'user-agent': 'graceful-health', connection: 'close' },
      agent: false,
      signal: stop,
    });
    let connected = false;
    sent.once('socket', (socket) => socket.once('connect', () => (connected = true)));
    sent.once('response', (response) => {
      const status = response.statusCode ?? 0;
      const ok = check.status.some(([from, to]) => from <= status && status <= to);
      // The body is read to its end: a backend that is cut off in the middle of its answer may log an error.
      response.resume();
      const settle = (): void => resolve({ ok, detail: `HTTP ${status}` });
      response.once('end', settle);
      response.once('error', settle);
    });
    sent.once('error', (error: NodeJS.ErrnoException) =>
      resolve({
        ok: false,
        detail: stop.aborted
          ? connected
            ? `connected, no answer to GET ${check.path}`
            : 'not connected'
          : describeErrno(error),
      }),
    );
    sent.end();
  });
}
