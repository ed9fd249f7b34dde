// A real nginx with the very configuration that users get (nginx/*.conf), on a free port, in a directory of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { inRepo } from './paths.ts';
import { need } from './requirements.ts';
import { tempDir } from './temp-dir.ts';

/** The files in nginx/, and the path of the link that each of them names. */
const LINK_IN = {
  plain: '/run/app/app.socket',
  keepalive: '/run/app/app.socket',
  fastcgi: '/run/app/fastcgi.socket',
} as const;

export interface NginxOptions {
  readonly config: keyof typeof LINK_IN;
  /** The link. */
  readonly socketPath: string;
  /** 2 unless said otherwise. */
  readonly workers?: number;
  /** Changes the text of the file: for an upstream that is no link. */
  readonly edit?: (config: string) => string;
}

export interface Nginx extends AsyncDisposable {
  readonly port: number;
  readonly pid: number;
  /** What it has complained about so far: warnings and worse. */
  errorLog(): string;
  /** `nginx -s reload`, by its signal. */
  reload(): void;
}

/** Starts nginx in the foreground; returns when it accepts connections. */
export const startNginx = async (options: NginxOptions): Promise<Nginx> => {
  // Between choosing a free port and nginx's bind(2) somebody else may take it: then once more.
  for (let attempt = 1; ; attempt++) {
    try {
      return await startOnce(options, await freePort());
    } catch (error) {
      if (attempt === 3 || !String(error).includes('Address already in use')) throw error;
    }
  }
};

/**
 * The text of a file in nginx/ as the tests use it: verbatim but for two tokens, the port in `listen 80;` and the path of
 * the link. That both are there exactly once is checked, so the test cannot run something that users do not get.
 */
export const shippedConfig = async ({ config, socketPath }: NginxOptions, port: number): Promise<string> => {
  const shipped = await readFile(inRepo('nginx', `graceful-${config}.conf`), 'utf8');
  return [
    ['listen 80;', `listen 127.0.0.1:${port};`],
    [LINK_IN[config], socketPath],
  ].reduce((text, [token = '', replacement = '']) => {
    const parts = text.split(token);
    if (parts.length !== 2)
      throw new Error(`expected '${token}' once in graceful-${config}.conf, found it ${parts.length - 1} times`);
    return parts.join(replacement);
  }, shipped);
};

const startOnce = async (options: NginxOptions, port: number): Promise<Nginx> => {
  const dir = await tempDir();
  const log = dir.join('error.log');
  try {
    const { edit = (text) => text } = options;
    await writeFile(dir.join('server.conf'), edit(await shippedConfig(options, port)));
    await writeFile(dir.join('nginx.conf'), mainConfig(dir.path, options.workers ?? 2));
    await writeFile(log, '');
    const nginx = spawn(need('nginx'), ['-p', dir.path, '-c', dir.join('nginx.conf'), '-e', log], { stdio: 'ignore' });
    const dispose = async () => {
      await stop(nginx);
      await dir[Symbol.asyncDispose]();
    };
    try {
      await untilAccepting(nginx, port);
    } catch (error) {
      const complaint = readFileSync(log, 'utf8');
      await stop(nginx);
      throw new Error(`nginx did not start: ${complaint}`, { cause: error });
    }
    return {
      port,
      pid: nginx.pid as number,
      errorLog: () => readFileSync(log, 'utf8'),
      reload: () => nginx.kill('SIGHUP'),
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dir[Symbol.asyncDispose]();
    throw error;
  }
};

const mainConfig = (prefix: string, workers: number): string => `
${userInfo().uid === 0 ? 'user root;' : ''}
daemon off;
worker_processes ${workers};
pid ${prefix}/nginx.pid;
error_log ${prefix}/error.log warn;
events { worker_connections 1024; }
http {
  access_log off;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  include ${prefix}/server.conf;
}
`;

/** Below those that the kernel gives to connections and to who asks for any, ip(7): it stays free until it is used. */
export const freePort = async (): Promise<number> => {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    try {
      await once(server, 'listening');
    } catch {
      continue; // EADDRINUSE
    }
    server.close();
    await once(server, 'close');
    return port;
  }
};

const STARTS_WITHIN_MS = 10_000;

/** There is no event for "somebody listens now": connecting is how to know. Ends at once when nginx does. */
const untilAccepting = async (nginx: ChildProcess, port: number): Promise<void> => {
  const deadline = performance.now() + STARTS_WITHIN_MS;
  const spawnFailed = once(nginx, 'error').then(([error]) => Promise.reject(error));
  spawnFailed.catch(() => undefined);
  while (!(await Promise.race([accepts(port), spawnFailed]))) {
    if (!isRunning(nginx)) throw new Error(`exit code ${nginx.exitCode}`);
    if (performance.now() > deadline) throw new Error(`not listening after ${STARTS_WITHIN_MS} ms`);
    await sleep(5);
  }
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });

const isRunning = (child: ChildProcess): boolean =>
  child.pid !== undefined && child.exitCode === null && child.signalCode === null;

/** SIGTERM to the master is nginx's fast shutdown: it takes its workers with it. */
const stop = async (nginx: ChildProcess): Promise<void> => {
  if (!isRunning(nginx)) return;
  const exited = once(nginx, 'exit');
  nginx.kill('SIGTERM');
  const kill = setTimeout(() => nginx.kill('SIGKILL'), 5000);
  await exited;
  clearTimeout(kill);
};
