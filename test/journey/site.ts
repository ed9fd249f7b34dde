// What the journeys have in common: graceful as `npm install -g` puts it on a server, and a directory where an app could live.
import { execFile, spawn } from 'node:child_process';
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repoRoot } from '../rig/paths.ts';
import { processesWith } from '../rig/processes.ts';
import { cleanEnvironment } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';

const run = promisify(execFile);

/** Neither /tmp nor anybody's home: everybody may pass through, and no cleaner comes. */
const PLACE = '/srv';

export interface Installed extends AsyncDisposable {
  /** Has `node` and `graceful` in it, for PATH. */
  readonly bin: string;
  /** What was packed. */
  readonly tarball: string;
}

/** Packs the package and installs it under a prefix of its own, with a node beside it that every user may run. */
export async function installGraceful(): Promise<Installed> {
  const prefix = await mkdtemp(join(PLACE, 'graceful-'));
  await chmod(prefix, 0o755);
  const npm = (...args: readonly string[]) => run('npm', [...args, '--no-audit', '--no-fund'], { cwd: repoRoot });
  const { stdout } = await npm('pack', '--json', '--ignore-scripts', '--pack-destination', prefix);
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const tarball = join(prefix, filename);
  await npm('install', '--global', '--prefix', prefix, tarball);
  const bin = join(prefix, 'bin');
  await copyFile(process.execPath, join(bin, 'node'));
  await chmod(join(bin, 'node'), 0o755);
  return { bin, tarball, [Symbol.asyncDispose]: () => rm(prefix, { recursive: true, force: true }) };
}

export interface Site extends AsyncDisposable {
  readonly dir: string;
  readonly stateDir: string;
  join(...parts: readonly string[]): string;
  /** Runs a command line by sh in the site's directory, and returns how it ended and what it printed. */
  sh(command: string, env?: NodeJS.ProcessEnv): Promise<Ended>;
}

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A directory for one app; when it is disposed of, so is every process that was started for it. */
export async function createSite({ bin }: Installed, place = PLACE): Promise<Site> {
  const dir = await mkdtemp(join(place, 'gr-'));
  await chmod(dir, 0o755);
  return {
    dir,
    stateDir: join(dir, 'run'),
    join: (...parts) => join(dir, ...parts),
    sh: (command, env = {}) =>
      new Promise((resolve, reject) => {
        const child = spawn('sh', ['-c', command], {
          cwd: dir,
          env: { ...cleanEnvironment(), PATH: `${bin}:${process.env['PATH']}:/usr/sbin:/sbin`, ...env },
          stdio: ['ignore', 'pipe', 'pipe'],
        });
        let [stdout, stderr] = ['', ''];
        child.stdout.setEncoding('utf8').on('data', (text: string) => {
          stdout += text;
        });
        child.stderr.setEncoding('utf8').on('data', (text: string) => {
          stderr += text;
        });
        child.once('error', reject);
        // Not `close`: what it left in the background may hold the pipes.
        child.once('exit', (code) => setImmediate(() => resolve({ code, stdout, stderr })));
      }),
    async [Symbol.asyncDispose]() {
      await until('the processes of the site have gone', () => {
        const left = processesWith('GRACEFUL_SOCKET', `${dir}/`);
        for (const pid of left) endQuietly(pid);
        return left.length === 0;
      });
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** A configuration file, as JSON. */
export async function configure(site: Site, config: Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(site.dir, { recursive: true });
  await writeFile(site.join('graceful.config.json'), JSON.stringify(config, null, 2));
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: gone
  }
}
