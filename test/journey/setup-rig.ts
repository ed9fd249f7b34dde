// A server as a new user finds it, in one directory: nginx with Debian's layout, an app, and graceful typed as he would.
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { freePort } from '../rig/nginx.ts';
import { processesWith } from '../rig/processes.ts';
import { need } from '../rig/requirements.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { BIN, cleanEnvironment } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

export interface Server extends AsyncDisposable {
  readonly dir: string;
  join(...parts: readonly string[]): string;
  write(path: string, content: string, mode?: number): string;
  read(path: string): string;
  /** Runs graceful in a directory, by default the app's. */
  graceful(...args: readonly string[]): SpawnSyncReturns<string>;
  /** The same; the exit code must be 0. */
  succeed(...args: readonly string[]): string;
  run(program: string, args: readonly string[], cwd?: string): SpawnSyncReturns<string>;
}

export const NODE_SERVER = `const { readFileSync } = require('node:fs');
const version = readFileSync('version', 'utf8').trim();
if (version === 'broken') throw new Error('cannot start');
require('node:http').createServer((_, response) => response.end(version)).listen(process.env.PORT);
`;

/** A machine's worth of directories; the app is a Node app in `shop`. */
export async function createServer(): Promise<Server> {
  const temp = await tempDir();
  // mkdtemp makes it 0700: other users have to get through.
  chmodSync(temp.path, 0o755);
  const { path: dir, join: inDir } = temp;
  const env = { ...cleanEnvironment(), PATH: `${inDir('bin')}:${process.env['PATH']}`, HOME: inDir('home') };
  const run: Server['run'] = (program, args, cwd = inDir('shop')) =>
    spawnSync(program, args, { cwd, env, encoding: 'utf8' });
  const graceful: Server['graceful'] = (...args) => run(process.execPath, [BIN, ...args]);
  const server: Server = {
    dir,
    join: inDir,
    write(path, content, mode = 0o644) {
      const full = inDir(path);
      mkdirSync(dirname(full), { recursive: true });
      writeFileSync(full, content);
      chmodSync(full, mode);
      return full;
    },
    read: (path) => readFileSync(inDir(path), 'utf8'),
    run,
    graceful,
    succeed(...args) {
      const { status, stdout, stderr } = graceful(...args);
      if (status !== 0) throw new Error(`graceful ${args.join(' ')}: exit code ${status}\n${stdout}${stderr}`);
      return stdout;
    },
    async [Symbol.asyncDispose]() {
      await until('the processes of the test have gone', () => {
        const left = processesWith('GRACEFUL_SOCKET', `${dir}/`);
        for (const pid of left) {
          try {
            process.kill(pid, 'SIGKILL');
          } catch {
            // ESRCH: gone
          }
        }
        return left.length === 0;
      });
      await temp[Symbol.asyncDispose]();
    },
  };
  server.write('shop/package.json', JSON.stringify({ name: 'shop', scripts: { start: 'node server.js' } }));
  server.write('shop/server.js', NODE_SERVER);
  server.write('shop/version', '1\n');
  mkdirSync(inDir('home'));
  return server;
}

export interface NginxRoot {
  readonly root: string;
  readonly port: number;
  /** Starts it in the foreground. */
  start(): Promise<AsyncDisposable>;
}

/** nginx with a configuration directory of its own; `nginx` in the server's PATH is it. */
export async function nginxRoot(server: Server, layout: 'debian' | 'conf.d'): Promise<NginxRoot> {
  const port = await freePort();
  const root = server.join('nginx');
  const include = layout === 'debian' ? 'sites-enabled/*' : 'conf.d/*.conf';
  for (const each of layout === 'debian' ? ['sites-available', 'sites-enabled'] : ['conf.d'])
    mkdirSync(join(root, each), { recursive: true });
  // The workers stay this user, who owns the sockets.
  const user = process.geteuid?.() === 0 ? 'user root;' : '';
  server.write(
    'nginx/nginx.conf',
    `${user} pid ${root}/nginx.pid; error_log ${root}/error.log; events {} http { access_log off; include ${root}/${include}; }\n`,
  );
  const args = ['-p', root, '-c', join(root, 'nginx.conf'), '-e', join(root, 'error.log')];
  server.write('bin/nginx', `#!/bin/sh\nexec ${need('nginx')} ${args.join(' ')} "$@"\n`, 0o755);
  return {
    root,
    port,
    async start() {
      const nginx = spawn(need('nginx'), [...args, '-g', 'daemon off;'], { stdio: 'ignore' });
      const exited = once(nginx, 'exit');
      await until('nginx has started', () => nginx.exitCode !== null || readPid(join(root, 'nginx.pid')));
      return {
        [Symbol.asyncDispose]: async () => {
          nginx.kill('SIGTERM');
          await exited;
        },
      };
    },
  };
}

const readPid = (path: string): boolean => {
  try {
    return readFileSync(path, 'utf8').trim() !== '';
  } catch {
    return false; // ENOENT
  }
};
