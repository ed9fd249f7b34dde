// The least of a WebSocket client (RFC 6455): Node 20 has none. It opens one, and sees whether its texts come back.
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request } from 'node:http';
import type { Socket } from 'node:net';

export interface EchoSocket {
  /** The X-Version of the backend that took the upgrade. */
  readonly version: string | undefined;
  /** Sends a text of less than 126 bytes and returns the one that comes back. */
  echo(text: string): Promise<string>;
  /** Resolves when the connection has ended, from whichever side. */
  readonly closed: Promise<void>;
  close(): void;
}

/** Opens a WebSocket; raises an error if the upgrade is refused. */
export const openWebSocket = async (
  target: { port: number } | { socketPath: string },
  path = '/ws',
): Promise<EchoSocket> => {
  const key = randomBytes(16).toString('base64');
  const outgoing = request({
    host: '127.0.0.1',
    ...target,
    path,
    headers: { Connection: 'Upgrade', Upgrade: 'websocket', 'Sec-WebSocket-Version': 13, 'Sec-WebSocket-Key': key },
  });
  const refused = once(outgoing, 'response').then(([response]) => {
    response.resume();
    throw new Error(`the upgrade was answered with ${response.statusCode}`);
  });
  refused.catch(() => undefined);
  outgoing.end();
  const [response, socket, head] = (await Promise.race([once(outgoing, 'upgrade'), refused])) as [
    { headers: Record<string, string> },
    Socket,
    Buffer,
  ];
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  if (response.headers['sec-websocket-accept'] !== accept)
    throw new Error('the answer to the upgrade belongs to another request');
  socket.unshift(head);
  socket.on('error', () => undefined);
  // Not once(), which an error would end.
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()));
  socket.resume(); // the end is seen only by those who read; nothing comes unasked
  return {
    version: response.headers['x-version'],
    closed,
    close: () => socket.destroy(),
    echo: async (text) => {
      socket.write(maskedText(text));
      let bytes = Buffer.alloc(0);
      while (bytes.length < 2 || bytes.length < 2 + (bytes[1] as number)) {
        const [chunk] = (await Promise.race([
          once(socket, 'data'),
          closed.then(() => Promise.reject(new Error('closed'))),
        ])) as [Buffer];
        bytes = Buffer.concat([bytes, chunk]);
      }
      return bytes.toString('utf8', 2);
    },
  };
};

const maskedText = (text: string): Buffer => {
  const payload = Buffer.from(text);
  const mask = randomBytes(4);
  return Buffer.concat([
    Buffer.from([0x81, 0x80 | payload.length]),
    mask,
    payload.map((byte, index) => byte ^ (mask[index % 4] as number)),
  ]);
};
