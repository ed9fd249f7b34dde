// A load with a fixed rate, whatever the answers: each lost request is so many milliseconds without service. wrk asks again
// at once when a connection is refused, so that its count of an outage says how fast it can ask, and not how long it was.
import { request } from 'node:http';
import { monotonicMs } from './timed-load.ts';

export const PROBE_EVERY_MS = 10;
const TIMEOUT_MS = 3_000;
const BODY = Buffer.alloc(2048, 'graceful');

export interface Probe {
  readonly sentMs: number;
  readonly doneMs: number;
  readonly ok: boolean;
  readonly version: number | null;
  readonly pid: number | null;
}

export interface SteadyProbe {
  /** So far. */
  readonly probes: readonly Probe[];
  /** Waits for the answers that are still due. */
  stop(): Promise<readonly Probe[]>;
}

/** POSTs of 2 kB, each on a connection of its own, a hundred a second. */
export function startSteadyProbe(port: number): SteadyProbe {
  const probes: Probe[] = [];
  const pending = new Set<Promise<void>>();
  const startedAt = monotonicMs();
  let sent = 0;
  const timer = setInterval(() => {
    // A timer that was late makes up for it: the rate is fixed.
    for (; sent < (monotonicMs() - startedAt) / PROBE_EVERY_MS; sent += 1) {
      const one = probe(port).then((result) => {
        probes.push(result);
        pending.delete(one);
      });
      pending.add(one);
    }
  }, PROBE_EVERY_MS);
  return {
    probes,
    async stop() {
      clearInterval(timer);
      await Promise.all(pending);
      return probes.sort((a, b) => a.sentMs - b.sentMs);
    },
  };
}

function probe(port: number): Promise<Probe> {
  const sentMs = monotonicMs();
  return new Promise((resolve) => {
    const finish = (ok: boolean, version: number | null = null, pid: number | null = null): void =>
      resolve({ sentMs, doneMs: monotonicMs(), ok, version, pid });
    const sent = request(
      {
        host: '127.0.0.1',
        port,
        method: 'POST',
        agent: false,
        timeout: TIMEOUT_MS,
        headers: { 'Content-Length': 2048 },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('error', () => finish(false));
        response.on('end', () =>
          finish(
            response.statusCode === 200 && Buffer.concat(chunks).equals(BODY),
            Number(response.headers['x-version']),
            Number(response.headers['x-pid']),
          ),
        );
      },
    );
    sent.on('timeout', () => sent.destroy());
    sent.on('error', () => finish(false));
    sent.end(BODY);
  });
}

export interface Outage {
  readonly sent: number;
  readonly lost: number;
  /** From `fromMs` to the first right answer after which none was lost; 0 when none was lost, null when it did not end. */
  readonly recoveryMs: number | null;
}

/** What was lost of the requests sent from `fromMs` on (those under way then included). */
export function outage(probes: readonly Probe[], fromMs: number, toMs = Number.POSITIVE_INFINITY): Outage {
  const within = probes.filter(({ doneMs, sentMs }) => doneMs >= fromMs && sentMs < toMs);
  const lastLost = within.findLastIndex(({ ok }) => !ok);
  const lost = within.filter(({ ok }) => !ok).length;
  const after = within.slice(lastLost + 1);
  const back = after.length === 0 ? null : Math.min(...after.map(({ doneMs }) => doneMs)) - fromMs;
  return { sent: within.length, lost, recoveryMs: lost === 0 ? 0 : back };
}
