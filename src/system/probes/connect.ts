// The health check that any backend can pass: it accepts a connection. The kernel completes a connect as soon as somebody
// has called listen(2), long before an app that is still loading (or hangs) calls accept(2). So a connection counts only
// once it has left the backlog: the backend closes it after our half-close, or the kernel's table shows no queue.
import { connect } from 'node:net';
import { countConnections } from '../connections.ts';
import { delay } from '../delay.ts';
import { describeErrno, type Finding, type ProbeTarget } from './finding.ts';
import type { Limit } from './limit.ts';

const LOOK_MS = 5;

export function probeConnect(target: ProbeTarget, limit: Limit): Promise<Finding> {
  return new Promise((resolve) => {
    const settled = new AbortController();
    const socket = connect(target.socketPath);
    const settle = (finding: Finding): void => {
      settled.abort();
      socket.destroy();
      resolve(finding);
    };
    const giveUp = (): void =>
      settle({ ok: false, detail: socket.connecting ? 'not connected' : 'connected, not accepted by the backend' });
    limit.whenOver(giveUp);

    socket.once('error', (error: NodeJS.ErrnoException) => settle({ ok: false, detail: describeErrno(error) }));
    socket.once('close', () => settle({ ok: true, detail: 'accepts connections' }));
    socket.once('connect', () => {
      socket.resume(); // 'close' comes only to those who read
      socket.end();
      watchQueue(target, settled.signal, () => settle({ ok: true, detail: 'accepts connections' })).catch(
        (error: Error) => settle({ ok: false, detail: error.message }), // EMFILE: we cannot look
      );
    });
  });
}

/** Some backends keep a half-closed connection open: then an empty backlog shows that they have accepted it. */
async function watchQueue(target: ProbeTarget, settled: AbortSignal, accepted: () => void): Promise<void> {
  for (let pause = LOOK_MS; ; pause = Math.min(pause * 2, 100)) {
    await delay(pause, settled);
    if (settled.aborted) return;
    const connections = await countConnections(target.pid, target.realSocketPath);
    // Not countable: an answered connect is all that can be known.
    if (connections === null || connections.queued === 0) return accepted();
  }
}
