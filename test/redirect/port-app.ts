// A program that insists on a TCP port, run by Node with the preload of `listen: redirect`, without graceful around it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { join } from 'node:path';
import { inRepo } from '../rig/paths.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { cleanEnvironment } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

export interface PortApp extends AsyncDisposable {
  readonly pid: number;
  readonly socket: string;
  /** What it has printed as JSON, line by line. */
  said(count: number): Promise<readonly unknown[]>;
  stderr(): string;
  kill(signal: NodeJS.Signals): Promise<void>;
}

export interface Place extends AsyncDisposable {
  readonly socket: string;
  run(source: string, options?: { readonly type?: 'mjs' | 'cjs'; readonly env?: NodeJS.ProcessEnv }): PortApp;
}

/** A directory for programs of the same slot. */
export async function createPlace(): Promise<Place> {
  const temp = await tempDir();
  const socket = join(temp.path, 'app-a.socket');
  const apps = new Set<PortApp>();
  return {
    socket,
    run(source, { type = 'mjs', env = {} } = {}) {
      const file = join(temp.path, `app-${apps.size}.${type}`);
      writeFileSync(file, source);
      const app = follow(file, socket, env);
      apps.add(app);
      return app;
    },
    async [Symbol.asyncDispose]() {
      for (const app of apps) await app[Symbol.asyncDispose]();
      await temp[Symbol.asyncDispose]();
    },
  };
}

function follow(file: string, socket: string, env: NodeJS.ProcessEnv): PortApp {
  const { PORT: _, ...clean } = cleanEnvironment();
  const child = spawn(process.execPath, [file], {
    env: { ...clean, NODE_OPTIONS: `--require ${inRepo('dist/redirect.cjs')}`, GRACEFUL_SOCKET: socket, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const exited = once(child, 'exit');
  const kill = async (signal: NodeJS.Signals): Promise<void> => {
    child.kill(signal);
    await exited;
  };
  return {
    pid: child.pid as number,
    socket,
    stderr: () => stderr,
    kill,
    said: (count) =>
      until(`${count} lines`, () => {
        const lines = stdout.split('\n').slice(0, -1);
        if (lines.length < count && child.exitCode !== null) throw new Error(`it has ended: ${stdout}${stderr}`);
        return lines.length >= count && lines.map((line): unknown => JSON.parse(line));
      }),
    [Symbol.asyncDispose]: () => kill('SIGKILL'),
  };
}

/** The body of `GET /`, from a socket or a port. */
export const ask = (at: string | number): Promise<string> =>
  new Promise((resolve, reject) => {
    httpRequest({ ...(typeof at === 'string' ? { socketPath: at } : { port: at }), agent: false }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => {
        body += text;
      });
      response.on('end', () => resolve(body));
    })
      .on('error', reject)
      .end();
  });
