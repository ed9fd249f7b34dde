// Clients that connect through the link over and over: what they lose is what users lose.
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from '../../../src/core/clock.ts';

/** A request that was not answered with what it sent. */
export interface Lost {
  /** On the monotonic clock, milliseconds. */
  readonly sentAt: number;
  readonly lostAt: number;
  /** `connect`: nobody took it. `answer`: it had been taken. */
  readonly stage: 'connect' | 'answer';
  readonly error: string;
}

export interface Answered {
  readonly sentAt: number;
  readonly answeredAt: number;
  /** Of the backend, where it says so. */
  readonly instance: string | null;
}

export interface Clients {
  readonly answered: () => number;
  readonly answers: readonly Answered[];
  readonly lost: readonly Lost[];
  /** Ends them when their last requests are answered. */
  end(): Promise<void>;
}

// A request that takes longer is lost: nobody waits for ever.
const PATIENCE_MS = 20_000;

/** Each sends one POST after the other, each on a connection of its own. */
export function startClients(
  link: string,
  { count, pauseMs, slow }: { readonly count: number; readonly pauseMs: number; readonly slow: number },
): Clients {
  const lost: Lost[] = [];
  const answers: Answered[] = [];
  let goesOn = true;
  const client = async (number: number): Promise<void> => {
    for (let sent = 0; goesOn; sent += 1) {
      const finding = await send(link, `${number}-${sent}`.padEnd(200, '.'), number >= count);
      if ('answeredAt' in finding) answers.push(finding);
      else lost.push(finding);
      await sleep(pauseMs);
    }
  };
  const all = Promise.all(Array.from({ length: count + slow }, (_, number) => client(number)));
  return {
    answered: () => answers.length,
    answers,
    lost,
    async end() {
      goesOn = false;
      await all;
    },
  };
}

/** Null when the body came back. */
export async function post(socketPath: string, body: string): Promise<Lost | null> {
  const finding = await send(socketPath, body, false);
  return 'answeredAt' in finding ? null : finding;
}

function send(socketPath: string, body: string, isSlow: boolean): Promise<Lost | Answered> {
  const sentAt = monotonicMs();
  let stage: Lost['stage'] = 'connect';
  return new Promise((resolve) => {
    const fail = (error: string): void => resolve({ sentAt, lostAt: monotonicMs(), stage, error });
    const sent = request(
      {
        socketPath,
        method: 'POST',
        path: isSlow ? '/slow' : '/',
        agent: false,
        headers: { 'content-length': Buffer.byteLength(body) },
      },
      (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk: string) => {
          text += chunk;
        });
        response.on('error', (error) => fail(error.message));
        response.on('end', () => {
          const instance = response.headers['x-instance'];
          if (response.statusCode === 200 && text === body)
            resolve({ sentAt, answeredAt: monotonicMs(), instance: typeof instance === 'string' ? instance : null });
          else fail(`answered ${response.statusCode}, ${text.length} of ${body.length} bytes`);
        });
      },
    );
    sent.setTimeout(PATIENCE_MS, () => sent.destroy(new Error(`no answer in ${PATIENCE_MS} ms`)));
    sent.once('socket', (socket) => socket.once('connect', () => (stage = 'answer')));
    sent.once('error', (error) => fail(error.message));
    sent.end(body);
  });
}
