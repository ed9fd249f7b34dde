// The same operation, carried out by the supervisor: events and the end come over its control socket.
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import type { EventSink, OperationName } from '../core/events.ts';
import { fail, GracefulError } from '../core/failure.ts';
import type { Caller } from '../core/history.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import type { RunningOperation } from '../hosts/operator.ts';
import { OPERATION_ID_HEADER } from './protocol.ts';

interface Line<Name extends OperationName> {
  readonly event?: Parameters<EventSink>[0];
  readonly outcome?: Outcomes[Name];
  readonly failure?: GracefulError['failure'];
}

export interface RemoteOptions {
  readonly emit: EventSink;
  readonly waitMs: number;
  /** Who asks, for the supervisor's journal. */
  readonly by: string;
  /** The same, for its history. */
  readonly caller: Caller;
}

// The supervisor answers as soon as it has read its configuration afresh; the events may take as long as they like.
const FIRST_ANSWER_MS = 30_000;
const MAX_LINE_CHARACTERS = 4 * 1024 * 1024;
const MAX_REFUSAL_CHARACTERS = 4 * 1024;

/** Thrown when nobody listens at the control socket: a supervisor that was killed leaves it behind. */
export class NoSupervisor extends Error {
  override readonly name = 'NoSupervisor';
}

/**
 * Hands the operation over. `outcome` raises the supervisor's failure as if it had happened here; `connection-lost` when
 * the supervisor went away before it said how it ended; NoSupervisor when there is none and nothing was asked of anybody.
 */
export function runRemotely<Name extends OperationName>(
  controlPath: string,
  name: Name,
  input: OperationInputs[Name],
  options: RemoteOptions,
): RunningOperation<Name> {
  const sent = request({
    socketPath: controlPath,
    method: 'POST',
    path: `/operations/${name}`,
    agent: false,
    headers: { 'content-type': 'application/json' },
  });
  let abortRequested: string | null = null;
  let operationId: string | null = null;
  const abort = (by: string): void => {
    abortRequested = by;
    if (operationId !== null) post(controlPath, `/abort/${operationId}`, { by });
  };
  const outcome = receive<Name>(sent, controlPath, options.emit, (id) => {
    operationId = id;
    if (abortRequested !== null) abort(abortRequested);
  });
  const { waitMs, by, caller } = options;
  sent.end(JSON.stringify({ input, waitMs, by, caller }));
  return { outcome, abort, dismiss: () => undefined };
}

/** As {@link runRemotely}; `here` where the supervisor has gone since it was asked. */
export function runByEither<Name extends OperationName>(
  controlPath: string,
  name: Name,
  input: OperationInputs[Name],
  options: RemoteOptions,
  here: () => RunningOperation<Name>,
): RunningOperation<Name> {
  let running = runRemotely(controlPath, name, input, options);
  const outcome = running.outcome.catch((error: unknown) => {
    if (!(error instanceof NoSupervisor)) throw error;
    running = here();
    return running.outcome;
  });
  return { outcome, abort: (by) => running.abort(by), dismiss: () => running.dismiss() };
}

async function receive<Name extends OperationName>(
  sent: ClientRequest,
  controlPath: string,
  emit: EventSink,
  onStarted: (id: string) => void,
): Promise<Outcomes[Name]> {
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const patience = setTimeout(
      () => sent.destroy(new Error(`no answer in ${FIRST_ANSWER_MS / 1000} s`)),
      FIRST_ANSWER_MS,
    );
    sent.once('close', () => clearTimeout(patience));
    sent.once('response', (answer) => {
      clearTimeout(patience);
      resolve(answer);
    });
    sent.once('error', (error: NodeJS.ErrnoException) =>
      reject(error.code === 'ECONNREFUSED' || error.code === 'ENOENT' ? new NoSupervisor(error.message) : lost(error)),
    );
  });
  sent.on('error', () => undefined); // from here on, the stream tells
  if (response.statusCode !== 200)
    throw fail('usage', `the supervisor at ${controlPath} refused: ${await text(response)}`, {});
  onStarted(String(response.headers[OPERATION_ID_HEADER] ?? ''));
  try {
    for await (const line of lines(response)) {
      const { event, outcome, failure } = JSON.parse(line) as Line<Name>;
      if (event !== undefined) emit(event);
      if (outcome !== undefined) return outcome;
      if (failure !== undefined) throw new GracefulError(failure);
    }
  } catch (error) {
    throw error instanceof GracefulError ? error : lost(error);
  }
  throw lost(new Error('the stream ended early'));
}

async function* lines(response: IncomingMessage): AsyncGenerator<string> {
  let rest = '';
  response.setEncoding('utf8');
  for await (const chunk of response) {
    const parts = (rest + (chunk as string)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
    if (rest.length > MAX_LINE_CHARACTERS) throw new Error('a line without end');
  }
}

async function text(response: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) {
    body += chunk as string;
    if (body.length > MAX_REFUSAL_CHARACTERS) break;
  }
  return body.slice(0, MAX_REFUSAL_CHARACTERS).trim();
}

function post(controlPath: string, path: string, body: unknown): void {
  // Best effort: if the supervisor has gone, the operation's own stream says so.
  request({ socketPath: controlPath, method: 'POST', path, agent: false })
    .on('error', () => undefined)
    .on('response', (response) => response.resume())
    .end(JSON.stringify(body));
}

const lost = (cause: unknown) => {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return fail(
    'connection-lost',
    `the supervisor went away before it said how the operation ended (${reason})`,
    { reason },
    cause,
  );
};
