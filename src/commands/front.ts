// An HTTP front for machines without nginx, for trying out and for development: it connects through the link anew for
// each request and each WebSocket, and caches nothing, so that a switch takes effect with the very next request.
import { type ClientRequest, createServer, type IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { ProxyServer } from 'httpxy';

export interface FrontOptions {
  /** The link, `NAME.socket`. It need not exist yet: until it does, requests are answered 502. */
  readonly socketPath: string;
  readonly host: string;
  /** 0 lets the system choose one. */
  readonly port: number;
  /** Told of each request that could not be served. A client that went away by itself is no error. */
  readonly onError: (error: Error) => void;
}

export interface Front {
  readonly address: AddressInfo;
  /** Stops listening, lets the requests in flight finish for at most a second, and cuts what is left. */
  close(): Promise<void>;
}

/** Starts the front; raises the errno of listen(2) (`EADDRINUSE`, `EACCES`) as it is. */
export const startFront = async ({ socketPath, host, port, onError }: FrontOptions): Promise<Front> => {
  // `agent: false` is one connection per request: a kept one would stick to the slot that it was opened to.
  const proxy = new ProxyServer({
    target: { socketPath, host: 'localhost' },
    agent: false,
    upgradeTimeout: UPGRADE_TIMEOUT_MS,
  });
  const upgraded = new Set<Duplex>();

  proxy.on('error', (error, _request, response) => {
    if (response instanceof ServerResponse) {
      // A client that left is the usual reason why the way to the backend was cut.
      if (response.destroyed) return;
      onError(error);
      if (response.headersSent) response.destroy();
      else response.writeHead(502, { 'Content-Type': 'text/plain; charset=utf-8' }).end(explain(error, socketPath));
    } else {
      if (response === undefined || response.destroyed) return;
      onError(error);
      if (!upgraded.has(response)) response.write(rawResponse('502 Bad Gateway', explain(error, socketPath)));
    }
  });
  proxy.on('proxyReq', endWhenSent);
  // Connection, Keep-Alive and their kin concern one hop only; Node's server sets its own.
  proxy.on('proxyRes', (proxyResponse) => removeHopByHop(proxyResponse.headers));
  proxy.on('proxyReqWs', (proxyRequest, _request, client) => {
    const abandon = () => proxyRequest.destroy();
    client.once('close', abandon);
    proxyRequest.once('upgrade', (_response, backend: Socket) => {
      upgraded.add(client);
      client.off('close', abandon);
      client.once('close', () => {
        upgraded.delete(client);
        backend.destroySoon();
      });
      backend.once('close', () => client.destroySoon());
    });
  });

  // A slow upload is the backend's affair: no limit on the time that a whole request takes.
  const server = createServer({ requestTimeout: 0 }, (request, response) => {
    // Node's server has answered `Expect: 100-continue` already.
    delete request.headers.expect;
    prepare(request, wantsClose(request) ? 'close' : 'keep-alive');
    proxy.web(request, response).catch(onError);
  });
  server.on('upgrade', (request, socket: Socket, head) => {
    if (request.headers.upgrade?.toLowerCase() !== 'websocket') {
      socket.on('error', ignoreClientError);
      socket.end(
        rawResponse('501 Not Implemented', 'The only upgrade that graceful front passes on is to WebSocket.\n'),
      );
      return;
    }
    prepare(request, 'Upgrade', 'websocket');
    proxy.ws(request, socket, {}, head).catch(onError);
  });

  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      server.on('error', onError);
      resolve();
    });
  });

  return {
    address: server.address() as AddressInfo,
    close: () =>
      new Promise((resolve) => {
        for (const socket of upgraded) socket.destroy();
        const cut = setTimeout(() => server.closeAllConnections(), CLOSE_GRACE_MS);
        server.close(() => {
          clearTimeout(cut);
          resolve();
        });
        server.closeIdleConnections();
      }),
  };
};

const CLOSE_GRACE_MS = 1000;
const UPGRADE_TIMEOUT_MS = 60_000;

/**
 * Puts the end of a request off until its body has left. Ended before, Node's client adds an empty write(2), and on a unix
 * socket whose other end has answered and closed meanwhile, that fails with EPIPE and takes the answer with it.
 */
const endWhenSent = (request: ClientRequest): void => {
  const write = request.write.bind(request);
  const end = request.end.bind(request);
  let unsent = 0;
  let ended = false;
  request.write = (chunk: unknown) => {
    unsent += 1;
    return write(chunk, () => {
      unsent -= 1;
      if (ended && unsent === 0) end();
    });
  };
  request.end = () => {
    ended = true;
    return unsent === 0 ? end() : request;
  };
};

/** RFC 9110, section 7.6.1, without Transfer-Encoding: on a request Node's client needs it to frame the body. */
const HOP_BY_HOP = [
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'upgrade',
];

type Headers = IncomingMessage['headers'];

const removeHopByHop = (headers: Headers): void => {
  for (const name of (headers.connection ?? '').split(',')) {
    const named = name.trim().toLowerCase();
    if (named !== '' && named !== 'transfer-encoding' && named !== 'content-length') delete headers[named];
  }
  for (const name of HOP_BY_HOP) delete headers[name];
  delete headers.connection;
};

/** Makes the headers of a request those of the next hop, with the same forwarding headers as in nginx/graceful-plain.conf. */
const prepare = ({ headers, socket }: IncomingMessage, connection: string, upgrade?: string): void => {
  removeHopByHop(headers);
  headers.connection = connection;
  if (upgrade !== undefined) headers.upgrade = upgrade;
  const before = headers['x-forwarded-for'];
  headers['x-forwarded-for'] = [before, socket.remoteAddress].flat().filter(Boolean).join(', ');
  headers['x-forwarded-proto'] = 'http';
  if (headers.host !== undefined) headers['x-forwarded-host'] = headers.host;
};

const wantsClose = ({ headers, httpVersion }: IncomingMessage): boolean =>
  httpVersion === '1.0' || /(^|,)\s*close\s*(,|$)/i.test(headers.connection ?? '');

const explain = (error: Error, link: string): string => {
  const code = 'code' in error ? String(error.code) : '';
  const why = REASONS[code] ?? `The connection to the backend failed: ${error.message}.`;
  return `502 Bad Gateway\n\ngraceful front connects each request through ${link}\n${why}\n\`graceful status\` shows what is running.\n`;
};

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'There is no such link, or nothing where it points to: the app is not started (ENOENT).',
  ECONNREFUSED: 'The link leads to a socket on which nobody listens: the backend has died (ECONNREFUSED).',
  EACCES: 'This user may not connect to it: see socketMode and socketGroup in the configuration (EACCES).',
  EAGAIN: 'The queue of the backend is full: it does not accept connections fast enough (EAGAIN).',
  ECONNRESET: 'The backend closed the connection before it had answered (ECONNRESET).',
  ENOTSOCK: 'What the link leads to is not a socket (ENOTSOCK).',
};

const rawResponse = (status: string, body: string): string =>
  [
    `HTTP/1.1 ${status}`,
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n');

/** The client may be gone before it has read our refusal: ECONNRESET, EPIPE. */
const ignoreClientError = (): void => undefined;
