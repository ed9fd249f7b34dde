// Load by Node itself, for the demo and for machines without wrk: N workers that POST 2 kB bodies, each a different one,
// and compare the echo. It goes to a TCP port, or to a unix socket whose path (a link, perhaps) is looked up anew at each connection.
import { setMaxListeners } from 'node:events';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Failures, Load, LoadReport } from './load-report.ts';

export interface HttpLoadOptions {
  readonly target: { readonly port: number; readonly host?: string } | { readonly socketPath: string };
  /** 16 unless said otherwise. */
  readonly connections?: number;
  readonly path?: string;
  /** Keeps each worker's connection open between its requests; false unless said otherwise. */
  readonly keepAlive?: boolean;
  /** One request, from connecting to the end of the answer; 10 s unless said otherwise. */
  readonly timeoutMs?: number;
  /** Ends the load by itself; without it, only `stop()` does. */
  readonly durationMs?: number;
  /** Each worker pauses this long between two requests; 0 unless said otherwise. */
  readonly pauseMs?: number;
  /** Called every `tickMs` (250) with what there is so far, and once at the end. */
  readonly onTick?: (soFar: LoadReport) => void;
  readonly tickMs?: number;
}

/** Starts the load in this process. It ends by `stop()` or after `durationMs`, when all its requests are answered or timed out. */
export const startHttpLoad = (options: HttpLoadOptions): Load => {
  const { connections = 16, durationMs, pauseMs = 0, onTick, tickMs = 250 } = options;
  const tally = new Tally();
  let stopping = false;
  const pausing = new AbortController();
  // Each worker's pause listens.
  setMaxListeners(connections, pausing.signal);
  let flow: () => void = () => undefined;
  const flowing = new Promise<void>((resolve) => {
    flow = resolve;
  });

  const stop = () => {
    stopping = true;
    pausing.abort();
  };
  const worker = async (): Promise<void> => {
    const agent = options.keepAlive ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
    while (!stopping) {
      const answered = await attempt(options, agent, tally);
      if (answered) flow();
      // A refused connection takes no time: without a pause, hundreds of thousands a second would be tried.
      const waitMs = answered ? pauseMs : Math.max(pauseMs, RETRY_PAUSE_MS);
      if (waitMs > 0) await sleep(waitMs, undefined, { signal: pausing.signal }).catch(() => undefined);
    }
    if (agent) agent.destroy();
  };

  const run = async (): Promise<LoadReport> => {
    const ticks = onTick && setInterval(() => onTick(tally.report()), tickMs);
    const end = durationMs === undefined ? undefined : setTimeout(stop, durationMs);
    await Promise.all(Array.from({ length: connections }, worker));
    clearInterval(ticks);
    clearTimeout(end);
    const report = tally.report();
    onTick?.(report);
    flow();
    return report;
  };

  const finished = run();
  return {
    flowing,
    finished,
    stop: () => {
      stop();
      return finished;
    },
  };
};

const BODY_BYTES = 2048;
const RETRY_PAUSE_MS = 10;
const MAX_EXAMPLES = 5;

/** One request; true if it was answered, rightly or not. Never rejects. */
const attempt = (options: HttpLoadOptions, agent: Agent | false, tally: Tally): Promise<boolean> =>
  new Promise((resolve) => {
    const { target, path = '/', timeoutMs = 10_000 } = options;
    const body = tally.nextBody();
    const startedAt = performance.now();
    let connected = false;
    let settled = false;
    const outgoing = request({
      ...target,
      agent,
      path,
      method: 'POST',
      headers: { 'Content-Type': 'application/octet-stream', 'Content-Length': BODY_BYTES },
    });
    const settle = (answered: boolean, count: () => void) => {
      // A connection that breaks may say so twice, and once more when it is destroyed for being late.
      if (settled) return;
      settled = true;
      clearTimeout(deadline);
      count();
      resolve(answered);
    };
    const fail = (kind: keyof Failures, why: string) => settle(false, () => tally.failed(kind, why));
    const deadline = setTimeout(() => {
      fail('timeout', `no whole answer within ${timeoutMs} ms`);
      outgoing.destroy();
    }, timeoutMs);
    outgoing.on('socket', (socket) => {
      if (socket.connecting)
        socket.once('connect', () => {
          connected = true;
        });
      else connected = true;
    });
    outgoing.on('error', (error) => fail(connected ? 'reset' : 'refused', error.message));
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      // After the headers, a connection that breaks is told here and not by the request.
      response.on('error', (error) => fail('reset', `${response.statusCode} and then ${error.message}`));
      response.on('end', () => {
        if (!response.complete) return;
        const ms = performance.now() - startedAt;
        settle(true, () =>
          tally.answered(response.statusCode ?? 0, response.headers['x-version'], Buffer.concat(chunks), body, ms),
        );
      });
    });
    outgoing.end(body);
  });

class Tally {
  #requests = 0;
  #succeeded = 0;
  readonly #startedAt = performance.now();
  readonly #failures = { refused: 0, reset: 0, timeout: 0, non2xx: 0, wrongBody: 0 };
  readonly #statuses: Record<string, number> = {};
  readonly #versions: Record<string, number> = {};
  readonly #latencies: number[] = [];
  readonly #examples: string[] = [];

  /** A body like no other, so that an answer meant for somebody else is noticed. */
  nextBody(): Buffer {
    const body = Buffer.alloc(BODY_BYTES, 'graceful');
    body.writeUInt32BE(this.#requests++);
    return body;
  }

  answered(status: number, version: string | string[] | undefined, body: Buffer, expected: Buffer, ms: number): void {
    this.#latencies.push(ms);
    this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    if (typeof version === 'string') this.#versions[version] = (this.#versions[version] ?? 0) + 1;
    if (status < 200 || status > 299) this.failed('non2xx', `${status} ${body.toString('latin1', 0, 200)}`);
    else if (!body.equals(expected))
      this.failed('wrongBody', `${body.length} bytes: ${body.toString('latin1', 0, 200)}`);
    else this.#succeeded++;
  }

  failed(kind: keyof Failures, why: string): void {
    this.#failures[kind]++;
    if (this.#examples.length < MAX_EXAMPLES) this.#examples.push(`${kind}: ${why}`);
  }

  report(): LoadReport {
    const sorted = Float64Array.from(this.#latencies).sort();
    const at = (share: number) => sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)] ?? 0;
    return {
      // A request that is under way is in no column yet.
      requests: this.#succeeded + Object.values(this.#failures).reduce((sum, count) => sum + count, 0),
      succeeded: this.#succeeded,
      failures: { ...this.#failures },
      statuses: { ...this.#statuses },
      versions: { ...this.#versions },
      latencyMs: { p50: at(0.5), p99: at(0.99), max: at(1) },
      durationMs: Math.round(performance.now() - this.#startedAt),
      examples: [...this.#examples],
    };
  }
}
