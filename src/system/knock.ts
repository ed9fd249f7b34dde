// Whether somebody listens behind a socket file.
import { connect } from 'node:net';

/** What a connect(2) to the path says: unix(7). */
export type Knock = 'answered' | 'refused' | 'missing' | { readonly errno: string };

/** Connects and hangs up at once. */
export const knockAt = (path: string): Promise<Knock> =>
  new Promise((resolve) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve('answered');
    });
    socket.once('error', (error: NodeJS.ErrnoException) =>
      resolve(
        error.code === 'ECONNREFUSED'
          ? 'refused'
          : error.code === 'ENOENT'
            ? 'missing'
            : { errno: error.code ?? error.message },
      ),
    );
  });

/** True only where the kernel itself says so. */
export async function nobodyListensAt(path: string): Promise<boolean> {
  const knock = await knockAt(path);
  return knock === 'refused' || knock === 'missing';
}
