// The supervisor's door: one HTTP server on the app's control socket, 0600. Every answer that takes time is a stream of
// events whose last line decides; a client that hangs up or never reads changes nothing about the operation.

import { existsSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { GracefulEvent, OperationName } from '../core/events.ts';
import { GracefulError } from '../core/failure.ts';
import type { OperationInputs } from '../core/outcome.ts';
import type { ControlDoors, ControlServer } from '../hosts/supervisor/doors.ts';
import type { SupervisedApp } from '../hosts/supervisor/supervised-app.ts';
import { MAX_BODY_BYTES, MAX_UNREAD_BYTES, OPERATION_ID_HEADER } from './protocol.ts';
import { readBy, readInput } from './read-input.ts';

const REQUEST_TIMEOUT_MS = 5_000;
const CHECK_TIMEOUTS_MS = 1_000;
/** What was said last is on its way when we leave; who does not take it by then is left without. */
const LAST_WORDS_MS = 250;

/** Listens at `path`, where nobody may be listening. Under the app's lock: two supervisors never both get here. */
export async function listenForControl(path: string, doors: ControlDoors): Promise<ControlServer> {
  if (existsSync(path)) unlinkSync(path); // rmSync's errors have no code from Node 23 on
  const desk = new Desk(doors);
  const server = createServer(
    {
      requestTimeout: REQUEST_TIMEOUT_MS,
      headersTimeout: REQUEST_TIMEOUT_MS,
      connectionsCheckingInterval: CHECK_TIMEOUTS_MS,
    },
    (request, response) => {
      response.on('error', () => undefined); // the client hung up
      void desk
        .serve(request, response)
        .catch((error: unknown) => refuse(response, 500, GracefulError.from(error).message));
    },
  );
  server.maxConnections = 1_024;
  server.on('clientError', (_error, socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    // Later on too: what accept(2) runs out of (ENOMEM, ENOBUFS) comes back.
    server.on('error', reject);
    // bind(2) happens within listen: no moment in which others could connect.
    const umask = process.umask(0o177);
    server.listen(path, resolve);
    process.umask(umask);
  });
  return {
    close: () =>
      new Promise((resolve) => {
        const patience = setTimeout(() => server.closeAllConnections(), LAST_WORDS_MS);
        server.close(() => {
          clearTimeout(patience);
          resolve();
        });
        desk.dismissFollowers();
        server.closeIdleConnections();
      }),
  };
}

/** Knows each request's path, and the operations that can be aborted. */
class Desk {
  readonly #doors: ControlDoors;
  readonly #aborts = new Map<string, (by: string) => void>();
  readonly #followers = new Set<ServerResponse>();
  #lastId = 0;

  constructor(doors: ControlDoors) {
    this.#doors = doors;
  }

  async serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { app } = this.#doors;
    const [path = ''] = (request.url ?? '').split('?');
    const [, kind = '', argument = ''] = path.split('/');
    const asked = `${request.method} /${kind}`;
    switch (asked) {
      case 'GET /status':
        return answer(response, await app.status());
      case 'GET /supervisor':
        return answer(response, { pid: process.pid, retry: app.retry });
      case 'GET /events':
        return this.#follow(response);
      case 'GET /metrics': {
        const { type, text } = await this.#doors.metrics();
        response.writeHead(200, { 'content-type': type }).end(text);
        return;
      }
      case 'POST /operations':
        return this.#operate(request, response, argument);
      case 'POST /abort': {
        const abort = this.#aborts.get(argument);
        if (abort === undefined) return refuse(response, 404, `there is no operation ${argument} to abort`);
        abort(readBy((await readBody(request)) ?? ''));
        return answer(response, { aborting: argument });
      }
      case 'POST /handover':
        answer(response, { leaving: process.pid });
        return this.#doors.handover();
      default:
        return refuse(response, 404, `there is nothing at ${request.method} ${path}`);
    }
  }

  async #operate(request: IncomingMessage, response: ServerResponse, name: string): Promise<void> {
    const body = await readBody(request);
    if (body === null) return refuse(response, 413, `the request body may have ${MAX_BODY_BYTES} bytes`);
    const asked = readInput(name, body);
    if ('refusal' in asked) return refuse(response, asked.status, asked.refusal);
    // What the file says now, as if the command had read it itself.
    const read = await this.#readConfig(asked.operation).catch((error: unknown) => GracefulError.from(error));
    const id = String(++this.#lastId);
    response.writeHead(200, { 'content-type': 'application/x-ndjson', [OPERATION_ID_HEADER]: id });
    response.flushHeaders();
    const send = lineSender(response);
    if (read instanceof GracefulError) {
      send({ failure: read.failure });
      response.end();
      return;
    }
    const operation = asked.operation as OperationName;
    let seq = 0;
    const asks = {
      input: asked.input as OperationInputs[typeof operation],
      waitMs: asked.waitMs,
      by: asked.by,
      caller: asked.caller,
      emit: (event: GracefulEvent) => send({ event: { ...event, at: new Date().toISOString(), seq: seq++ } }),
    };
    const running = this.#doors.app.run(operation, asks, read);
    this.#aborts.set(id, running.abort);
    try {
      send({ outcome: await running.outcome });
    } catch (error) {
      send({ failure: GracefulError.from(error).failure });
    } finally {
      this.#aborts.delete(id);
      response.end();
    }
  }

  /** What only looks does not make the supervisor go on with another configuration. */
  async #readConfig(operation: OperationName): Promise<SupervisedApp['system']> {
    const { app } = this.#doors;
    if (operation === 'plan') return app.asWritten();
    await app.refresh();
    return app.system;
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson', connection: 'close' });
    response.flushHeaders();
    const send = lineSender(response);
    const stop = this.#doors.app.hub.listen((event) => send({ event }));
    this.#followers.add(response);
    response.once('close', () => {
      stop();
      this.#followers.delete(response);
    });
  }

  /** Nothing follows any more. */
  dismissFollowers(): void {
    for (const response of this.#followers) response.end();
  }
}

/** Drops a reader that does not read, rather than keep its lines in memory. */
function lineSender(response: ServerResponse): (line: unknown) => void {
  return (line) => {
    if (response.destroyed || response.writableEnded) return;
    if (response.writableLength > MAX_UNREAD_BYTES) response.destroy();
    else response.write(`${JSON.stringify(line)}\n`);
  };
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  // Read to its end, without being kept: leaving the loop would break the connection before the answer.
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes <= MAX_BODY_BYTES) chunks.push(chunk);
  }
  return bytes > MAX_BODY_BYTES ? null : Buffer.concat(chunks).toString('utf8');
}

function answer(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(`${JSON.stringify(value)}\n`);
}

function refuse(response: ServerResponse, status: number, message: string): void {
  if (response.headersSent) response.destroy();
  else
    response
      .writeHead(status, { 'content-type': 'application/json', connection: 'close' })
      .end(`${JSON.stringify({ error: message })}\n`);
}
