// A Debian server of a test's own: in a mount namespace with its own /etc/nginx, /run, crontabs and a user `deploy`, so that the
// real nginx, cron and crontab(1) run as they would on a machine, and this one's stay untouched. Needs root.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { appendFile, chmod, copyFile, cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { freePort } from '../rig/nginx.ts';
import { processesWith } from '../rig/processes.ts';
import { need } from '../rig/requirements.ts';
import { until } from '../rig/until.ts';
import type { Ended, Installed } from './site.ts';

/** Neither /tmp nor anybody's home. */
const PLACE = '/srv';
const DEPLOY = 47_110;

export type User = 'deploy' | 'root';

export interface Machine extends AsyncDisposable {
  /** Home of `deploy`, who owns what is in it. */
  readonly home: string;
  /** Free, for nginx to listen at. */
  readonly port: number;
  /** A command line as that user types it in that directory; an environment of its own, and sh. */
  type(command: string, options?: { readonly in?: string; readonly as?: User }): Promise<Ended>;
  /** The same; the exit code must be 0. Returns what was printed, progress and answer. */
  succeed(command: string, options?: { readonly in?: string; readonly as?: User }): Promise<string>;
  /** Starts the real cron daemon, and nginx with Debian's configuration. */
  boot(): Promise<void>;
  /** What nginx has complained about so far. */
  errorLog(): string;
}

export async function createMachine({ bin }: Installed): Promise<Machine> {
  const dir = await mkdtemp(join(PLACE, 'machine-'));
  const home = join(dir, 'deploy');
  await furnish(dir, home);
  const holder = spawn('unshare', ['--mount', '--propagation', 'private', 'sh', '-euc', MOUNTS, 'sh', dir], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(holder.stdout, 'data');
  const daemons: ChildProcess[] = [];

  const inside = (user: User, cwd: string, command: readonly string[]): ChildProcess =>
    spawn(
      'nsenter',
      [
        ...['--mount', '--target', String(holder.pid), '--'],
        ...(user === 'deploy'
          ? ['setpriv', `--reuid=${DEPLOY}`, `--regid=${DEPLOY}`, '--init-groups']
          : ['setpriv', '--pdeathsig=TERM']),
        ...['env', '-i', '-C', cwd, `HOME=${user === 'deploy' ? home : '/root'}`, `LOGNAME=${user}`, `USER=${user}`],
        ...[
          'SHELL=/bin/sh',
          'LANG=C.UTF-8',
          `PATH=${bin}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
        ],
        ...command,
      ],
      { stdio: ['ignore', 'pipe', 'pipe'] },
    );

  const type: Machine['type'] = async (command, { in: cwd = home, as = 'deploy' } = {}) => {
    const child = inside(as, cwd, ['sh', '-c', command]);
    let [stdout, stderr] = ['', ''];
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, stdout, stderr };
  };

  return {
    home,
    port: await freePort(),
    type,
    async succeed(command, options) {
      const { code, stdout, stderr } = await type(command, options);
      if (code !== 0) throw new Error(`${command}: exit code ${code}\n${stderr}${stdout}`);
      return `${stderr}${stdout}`;
    },
    async boot() {
      daemons.push(
        inside('root', '/', [need('cron'), '-f']),
        inside('root', '/', [need('nginx'), '-g', 'daemon off;']),
      );
      await until('nginx and cron run', async () => {
        for (const { exitCode, spawnargs } of daemons)
          if (exitCode !== null) throw new Error(`${spawnargs.at(-1)} ended with ${exitCode}`);
        return (await type('test -s /run/nginx.pid && test -s /run/crond.pid', { as: 'root' })).code === 0;
      });
    },
    errorLog: () => readFileSync(join(dir, 'log/error.log'), 'utf8'),
    async [Symbol.asyncDispose]() {
      for (const daemon of daemons) {
        const exited = daemon.exitCode === null ? once(daemon, 'exit') : null;
        daemon.kill('SIGTERM');
        await exited;
      }
      await until('the backends have gone', () => {
        const left = processesWith('GRACEFUL_SOCKET', `${dir}/`);
        for (const pid of left) endQuietly(pid);
        return left.length === 0;
      });
      const exited = once(holder, 'exit');
      holder.stdin.end();
      await exited;
      await rm(dir, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/** `$1` is the directory of the machine. It lives for as long as its standard input is open. */
const MOUNTS = `
mount --bind "$1/nginx" /etc/nginx
for file in passwd group shadow crontab; do mount --bind "$1/$file" "/etc/$file"; done
mount -t tmpfs tmpfs /etc/cron.d
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var/lib/nginx
mount --bind "$1/log" /var/log/nginx
mount -t tmpfs -o mode=1730,gid=crontab tmpfs /var/spool/cron/crontabs
# cron looks for changes by whole seconds: what is written in the second of what it found at its start would never be read.
touch -d '1 hour ago' /etc/crontab /etc/cron.d /var/spool/cron/crontabs
echo mounted
exec cat > /dev/null
`;

/** What a fresh Debian has, a user who deploys, and nothing else; /etc/nginx is the package's without its welcome page. */
async function furnish(dir: string, home: string): Promise<void> {
  await chmod(dir, 0o755);
  await cp('/etc/nginx', join(dir, 'nginx'), { recursive: true, verbatimSymlinks: true });
  await rm(join(dir, 'nginx/sites-enabled'), { recursive: true, force: true });
  await mkdir(join(dir, 'nginx/sites-enabled'));
  await mkdir(join(dir, 'log'));
  for (const file of ['passwd', 'group', 'shadow']) await copyFile(join('/etc', file), join(dir, file));
  await appendFile(join(dir, 'passwd'), `deploy:x:${DEPLOY}:${DEPLOY}::${home}:/bin/sh\n`);
  await appendFile(join(dir, 'shadow'), 'deploy:*:19000:0:99999:7:::\n');
  const groups = readFileSync('/etc/group', 'utf8').replace(/^(www-data:.*:)$/m, '$1deploy');
  await writeFile(join(dir, 'group'), `${groups}deploy:x:${DEPLOY}:\n`);
  await writeFile(join(dir, 'crontab'), '');
  await mkdir(home);
  await writeFile(
    join(home, '.gitconfig'),
    '[user]\nname = deploy\nemail = deploy@example.org\n[init]\ndefaultBranch = main\n',
  );
  const chown = spawn('chown', ['-R', `${DEPLOY}:${DEPLOY}`, home]);
  await once(chown, 'exit');
}

function endQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // ESRCH: gone
  }
}
