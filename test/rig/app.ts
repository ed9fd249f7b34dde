// An example app run directly, without graceful: for the tests of what stands around it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rename, symlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { appPath } from './paths.ts';
import { need } from './requirements.ts';

export interface AppOptions {
  readonly language?: keyof typeof appPath;
  readonly socketPath: string;
  /** The settings, as test/apps/node-app.mjs lists them. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface App extends AsyncDisposable {
  readonly pid: number;
  /** Resolves with the exit code or the name of the signal. */
  readonly exited: Promise<number | string>;
  kill(signal: NodeJS.Signals): void;
  /** Its stderr so far. */
  log(): string;
}

/** Starts an app; returns when it accepts connections. Disposing of it is SIGKILL. */
export const startApp = async ({ language = 'node', socketPath, env = {} }: AppOptions): Promise<App> => {
  const child = spawn(language === 'node' ? process.execPath : need('python3'), [appPath[language]], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env, GRACEFUL_SOCKET: socketPath },
  });
  let log = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text;
  });
  const exited = once(child, 'exit').then(([code, signal]) => (code ?? signal) as number | string);
  while (!(await accepts(socketPath))) {
    if (child.exitCode !== null || child.signalCode !== null)
      throw new Error(`the app ended before it listened: ${log}`);
    await sleep(5);
  }
  return {
    pid: child.pid as number,
    exited,
    kill: (signal) => child.kill(signal),
    log: () => log,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
};

/** Makes `link` lead to `target` beside it, in one rename(2), as graceful does. */
export const pointLink = async (link: string, target: string): Promise<void> => {
  await symlink(basename(target), `${link}.new`);
  await rename(`${link}.new`, link);
};

const accepts = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(socketPath);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
