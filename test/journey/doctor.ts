// Every finding of `graceful doctor` that a machine without SELinux and network file systems can have, provoked for real.
// As root: it takes mounts, users and namespaces of its own to break a server without breaking this one.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, chown, copyFile, mkdir, rm, utimes, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { createServer } from 'node:net';
import { after, before, describe, it } from 'node:test';
import type { Finding, Severity } from '../../src/doctor/finding.ts';
import { connectionsTo } from '../load/under-load.ts';
import { freePort } from '../rig/nginx.ts';
import { inRepo } from '../rig/paths.ts';
import { need } from '../rig/requirements.ts';
import { NODE_APP } from '../rig/test-app.ts';
import { until } from '../rig/until.ts';
import { configure, createSite, type Installed, installGraceful, type Site } from './site.ts';

const NOBODY = 65_534;
const AS_NOBODY = `setpriv --reuid ${NOBODY} --regid ${NOBODY} --clear-groups env HOME=/nonexistent`;

const CONFIG = {
  command: ['node', 'app.mjs'],
  stateDir: 'run',
  health: { type: 'http', path: '/healthz' },
  socketGroup: 'www-data',
};

let installed: Installed;
before(async () => {
  assert.equal(process.geteuid?.(), 0, 'these tests change users and mounts: run them as root');
  installed = await installGraceful();
});
after(() => installed[Symbol.asyncDispose]());

async function site(config: Readonly<Record<string, unknown>> = {}, place?: string): Promise<Site> {
  const created = await createSite(installed, place);
  await copyFile(NODE_APP, created.join('app.mjs'));
  await configure(created, { ...CONFIG, ...config });
  return created;
}

interface Report {
  readonly code: number | null;
  readonly findings: readonly Finding[];
}

/** `graceful doctor --json`, as this command line runs it. */
async function doctor(at: Site, { args = '', before = '', as = '' } = {}): Promise<Report> {
  const { code, stdout, stderr } = await at.sh(`${before}${as} graceful doctor --json ${args}`);
  assert.ok(stdout.startsWith('{"findings":'), `no findings: ${stdout}${stderr}`);
  return { code, findings: (JSON.parse(stdout) as { findings: Finding[] }).findings };
}

/** The finding that a check must have made; what else it said is shown. */
function found({ findings }: Report, check: string, severity: Severity, message: RegExp): Finding {
  const all = findings.filter((finding) => finding.check === check);
  const match = all.find((finding) => finding.severity === severity && message.test(finding.message));
  assert.ok(match, `no ${severity} of ${check} like ${message}: ${JSON.stringify(all, null, 2)}`);
  return match;
}

/** nginx with this `http` block's content; its user is Debian's unless said otherwise. */
async function nginx(at: Site, http: string, { wrapper = '', running = true, user = 'www-data' } = {}) {
  const file = at.join('nginx.conf');
  await mkdir(at.join('nginx-logs'), { recursive: true });
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (kind) => `${kind}_temp_path ${at.join(kind)};`,
  );
  await writeFile(
    file,
    `user ${user};\nworker_processes 1;\npid ${at.join('nginx.pid')};\nerror_log ${at.join('nginx-logs/error.log')};\nevents {}\nhttp {\naccess_log off;\n${temp.join('\n')}\n${http}\n}\n`,
  );
  const args = `--nginx-config ${file}`;
  if (!running) return { args, port: 0, async [Symbol.asyncDispose]() {} };
  const child: ChildProcess = spawn('sh', ['-c', `exec ${wrapper} ${need('nginx')} -c ${file} -g 'daemon off;'`], {
    stdio: 'ignore',
  });
  const exited = once(child, 'exit');
  await until('nginx runs', async () => {
    assert.equal(child.exitCode, null, 'nginx did not start');
    return (await at.sh(`test -s ${at.join('nginx.pid')}`)).code === 0;
  });
  return {
    args,
    port: 0,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM');
      await exited;
    },
  };
}

const passing = (to: string, more = ''): string =>
  `server { listen unix:/tmp/never-used-${process.pid}.sock; location / { proxy_pass ${to}; ${more} } }`;

/** Straight through the link, as another proxy or a fresh worker of nginx would, on a new connection each. */
async function feed(at: Site, signal: AbortSignal): Promise<void> {
  const once = () =>
    new Promise<void>((resolve, reject) =>
      get({ socketPath: at.join('run/app.socket'), path: '/slow', agent: false }, (response) =>
        response.resume().once('end', resolve),
      ).once('error', reject),
    );
  while (!signal.aborted) await once();
}

describe('graceful doctor', { concurrency: 2, timeout: 600_000 }, () => {
  it('says that all is well when it is, and exits with 0', async () => {
    await using at = await site();
    assert.equal((await at.sh('graceful start')).code, 0);
    await using server = await nginx(at, passing(`http://unix:${at.stateDir}/app.socket`));
    const before = `HOME=${at.dir} `;
    await mkdir(at.join('.config/systemd/user'), { recursive: true });
    await writeFile(
      at.join('.config/systemd/user/shop.service'),
      `ExecStart=graceful -c ${at.join('graceful.config.json')} run\n`,
    );
    const report = await doctor(at, { args: `--strict ${server.args}`, before });
    const worse = report.findings.filter(({ severity }) => severity === 'warning' || severity === 'error');
    assert.deepEqual(worse, []);
    assert.equal(report.code, 0);
    const { stdout } = await at.sh(`${before}graceful doctor ${server.args}`);
    assert.match(stdout, /All well: \d+ checks passed/);
  });

  it('is not worried by an app that was never started', async () => {
    await using at = await site();
    found(await doctor(at), 'serving', 'note', /never been started/);
  });

  describe('the configuration', () => {
    it('a wrong key: named with the nearest right one, exit 2', async () => {
      await using at = await site({ drainTimeuot: '5s' });
      const report = await doctor(at);
      assert.equal(report.code, 2);
      assert.match(found(report, 'config', 'error', /drainTimeuot/).fix ?? '', /drainTimeout/);
    });

    it('a program that is not there', async () => {
      await using at = await site({ command: ['no-such-program'] });
      const report = await doctor(at);
      found(report, 'command', 'error', /no-such-program/);
      assert.equal(report.code, 1);
    });

    it('a health check that proves little', async () => {
      await using at = await site({ health: { type: 'connect' } });
      found(await doctor(at), 'command', 'note', /only sees that the backend accepts/);
    });
  });

  describe('the state dir', () => {
    it('writable for everybody, or for its group', async () => {
      await using at = await site();
      await mkdir(at.stateDir);
      await chmod(at.stateDir, 0o777);
      found(await doctor(at), 'state-dir', 'error', /writable for everybody/);
      await chmod(at.stateDir, 0o770);
      found(await doctor(at), 'state-dir', 'warning', /writable for group/);
    });

    it("another user's", async () => {
      await using at = await site();
      await mkdir(at.stateDir);
      await chown(at.stateDir, NOBODY, NOBODY);
      found(await doctor(at), 'state-dir', 'note', /is user 65534's, .* not for root/);
      await chown(at.stateDir, 0, 0);
      found(await doctor(at, { as: AS_NOBODY }), 'state-dir', 'error', /belongs to user 0, and this is user 65534/);
    });

    it('missing, and this user may not make it', async () => {
      await using at = await site();
      found(await doctor(at, { as: AS_NOBODY }), 'state-dir', 'error', /may not make it/);
    });

    it('in /tmp', async () => {
      await using at = await site({}, '/tmp');
      found(await doctor(at), 'placement', 'warning', /under \/tmp: cleaners/);
    });

    it('where systemd-tmpfiles cleans', async () => {
      await using at = await site();
      const before = `unshare -m sh -c 'mount -t tmpfs none /etc/tmpfiles.d && echo "d ${at.dir} 0755 root root 10d" > /etc/tmpfiles.d/x.conf && exec "$@"' sh `;
      await mkdir('/etc/tmpfiles.d', { recursive: true });
      found(await doctor(at, { before }), 'placement', 'warning', /older than 10d/);
    });

    it('in /run, which a user who is not root may not make again after a boot', async () => {
      await using at = await site({ stateDir: '/run/graceful-doctor-test' });
      found(await doctor(at, { as: AS_NOBODY }), 'placement', 'warning', /gone after a reboot/);
    });

    it('with what dead processes left behind', async () => {
      await using at = await site();
      await at.sh('graceful start');
      await at.sh('kill -9 $(cat run/app-a.pid)');
      await until('the backend is gone', async () => (await at.sh('kill -0 $(cat run/app-a.pid)')).code !== 0);
      const report = await doctor(at);
      found(report, 'leftovers', 'note', /app-a\.pid is stale/);
      found(report, 'serving', 'error', /nothing ready is serving/);
    });

    it("with a stranger at a slot's socket, and with a socket at which nobody listens", async () => {
      await using at = await site();
      await mkdir(at.stateDir, { mode: 0o750 });
      const stranger = createServer().listen(at.join('run/app-b.socket'));
      await once(stranger, 'listening');
      found(await doctor(at), 'leftovers', 'warning', /not ours listens/);
      await at.sh(`ln run/app-b.socket run/app-a.socket`);
      stranger.close();
      await once(stranger, 'close');
      found(await doctor(at), 'leftovers', 'note', /app-a\.socket is stale/);
    });

    it('with a file from the future', async () => {
      await using at = await site();
      await at.sh('graceful start');
      const tomorrow = new Date(Date.now() + 86_400_000);
      await utimes(at.join('run/app-a.log'), tomorrow, tomorrow);
      found(await doctor(at), 'clock', 'warning', /the clock went back/);
    });
  });

  describe('nginx', () => {
    it('leads nowhere near the app', async () => {
      await using at = await site();
      await using server = await nginx(at, passing('http://127.0.0.1:9'), { running: false });
      const report = await doctor(at, server);
      found(report, 'nginx', 'error', /nothing in the configuration of nginx leads to/);
      assert.equal(report.code, 1);
    });

    it('leads to one slot, past the link', async () => {
      await using at = await site();
      await using server = await nginx(at, passing(`http://unix:${at.stateDir}/app-a.socket`), { running: false });
      found(await doctor(at, server), 'nginx', 'error', /is one slot/);
    });

    it('refuses its own configuration', async () => {
      await using at = await site();
      await using server = await nginx(at, 'server { listn 80; }', { running: false });
      found(await doctor(at, server), 'nginx', 'error', /unknown directive "listn"/);
    });

    it('is not running', async () => {
      await using at = await site();
      await using server = await nginx(at, passing(`http://unix:${at.stateDir}/app.socket`), { running: false });
      found(await doctor(at, server), 'nginx', 'warning', /not running/);
    });

    it('is found by itself while it runs, through included files', async () => {
      await using at = await site();
      await writeFile(at.join('site.conf'), passing(`http://unix:${at.stateDir}/app.socket:/`));
      await using _server = await nginx(at, `include ${at.dir}/*.conf.d; include si?e.conf;`);
      const report = await doctor(at);
      found(report, 'nginx', 'ok', /site\.conf:1/);
    });

    it('keeps connections to the old slot for an hour', async () => {
      await using at = await site();
      const upstream = (more: string) => `upstream shop { server unix:${at.stateDir}/app.socket; ${more} }`;
      await using server = await nginx(at, `${upstream('keepalive 32;')}${passing('http://shop')}`, { running: false });
      found(await doctor(at, server), 'nginx-keepalive', 'error', /60s idle and 1h in all/);
      const shipped = upstream('keepalive 32; keepalive_time 2s; keepalive_timeout 1s;');
      await using short = await nginx(at, `${shipped}${passing('http://shop')}`, { running: false });
      found(await doctor(at, short), 'nginx-keepalive', 'ok', /lets go/);
    });

    it('keeps no connection of FastCGI unless it is told to, whatever the upstream says', async () => {
      await using at = await site();
      const upstream = `upstream shop { server unix:${at.stateDir}/app.socket; keepalive 32; }`;
      const fastcgi = (more: string) => `${upstream} server { listen 80; location / { fastcgi_pass shop; ${more} } }`;
      await using closes = await nginx(at, fastcgi(''), { running: false });
      found(await doctor(at, closes), 'nginx-keepalive', 'ok', /lets go/);
      await using keeps = await nginx(at, fastcgi('fastcgi_keep_conn on;'), { running: false });
      found(await doctor(at, keeps), 'nginx-keepalive', 'error', /60s idle and 1h in all/);
    });

    it('waits longer for an answer than a drain does, and sends a POST twice', async () => {
      await using at = await site();
      const pass = passing(`http://unix:${at.stateDir}/app.socket`, 'proxy_next_upstream error non_idempotent;');
      await using server = await nginx(at, `proxy_read_timeout 5m; ${pass}`, { running: false });
      const report = await doctor(at, server);
      assert.equal(found(report, 'nginx-limits', 'warning', /silent for 5m/).fix, 'drainTimeout: 5m');
      found(report, 'nginx-limits', 'warning', /POST twice/);
    });

    it('has a user who may not enter a directory above the sockets: that directory is named', async () => {
      await using at = await site();
      await at.sh('graceful start');
      await chmod(at.dir, 0o700);
      await using server = await nginx(at, passing(`http://unix:${at.stateDir}/app.socket`), { running: false });
      const { fix } = found(
        await doctor(at, server),
        'proxy-access',
        'error',
        new RegExp(`www-data .*may not enter ${at.dir}:`),
      );
      await at.sh((fix ?? '').split(',')[0] ?? '');
      found(await doctor(at, server), 'proxy-access', 'ok', /can connect/);
    });

    it('has a user to whom the sockets are closed, before and after the first start', async () => {
      await using at = await site({ socketGroup: undefined });
      await using server = await nginx(at, passing(`http://unix:${at.stateDir}/app.socket`), { running: false });
      found(await doctor(at, server), 'proxy-access', 'error', /will not be able to connect/);
      await at.sh('graceful start');
      found(await doctor(at, server), 'proxy-access', 'error', /may not enter .*run/);
      await chmod(at.stateDir, 0o755);
      assert.match(
        found(await doctor(at, server), 'proxy-access', 'error', /EACCES/).fix ?? '',
        /socketGroup: www-data/,
      );
    });

    it('is asked for as a user that does not exist', async () => {
      await using at = await site();
      found(await doctor(at, { args: '--proxy-user no-such-user' }), 'proxy-access', 'error', /no user no-such-user/);
    });

    it('sees another file system', async () => {
      await using at = await site();
      await at.sh('graceful start');
      const wrapper = `unshare -m sh -c 'mount -t tmpfs none ${at.stateDir} && exec "$@"' sh`;
      await using server = await nginx(at, passing(`http://unix:${at.stateDir}/app.socket`), { wrapper });
      found(await doctor(at, server), 'proxy-view', 'error', /another directory|there is no/);
    });
  });

  it('a backlog that a burst will overflow: that of the backend, and that of the kernel', async () => {
    await using at = await site({ command: ['python3', 'short-backlog.py'], health: { type: 'connect' } });
    await copyFile(inRepo('test/apps/fixtures/short-backlog.py'), at.join('short-backlog.py'));
    assert.equal((await at.sh('graceful start')).code, 0);
    found(await doctor(at), 'backlog', 'warning', /only 5 connections wait/);
    const before = `unshare -n sh -c 'echo 16 > /proc/sys/net/core/somaxconn && exec "$@"' sh `;
    found(await doctor(at, { before }), 'backlog', 'warning', /the kernel lets 16 connections/);
  });

  it('connections that the proxy keeps to the old slot after a switch', async () => {
    await using at = await site();
    await at.sh('graceful start');
    const port = await freePort();
    const http = `upstream shop { server unix:${at.stateDir}/app.socket; keepalive 8; keepalive_requests 1000000; } server { listen 127.0.0.1:${port}; location / { proxy_pass http://shop; proxy_http_version 1.1; proxy_set_header Connection ''; } }`;
    await using server = await nginx(at, http);
    // Two clients that never pause: what nginx keeps is in use before, during and after the switch.
    const loading = at.sh(`${need('wrk')} -t1 -c2 -d600s http://127.0.0.1:${port}/ & echo $! > wrk.pid; wait`);
    await until('nginx is connected to a', async () => (await connectionsTo(at.join('run/app-a.socket'))) > 0);
    assert.equal((await at.sh('graceful update')).code, 0);
    const feeding = new AbortController();
    const fed = feed(at, feeding.signal);
    try {
      found(await doctor(at, server), 'old-slot', 'warning', /stayed with slot a for 2 s.* while slot b gets new ones/);
    } finally {
      feeding.abort();
      await at.sh('kill $(cat wrk.pid)');
      await Promise.all([fed, loading]);
    }
  });

  it('an app that was taken down on purpose is told, and is no error', async () => {
    await using at = await site();
    await at.sh('graceful start; graceful stop --all');
    found(await doctor(at), 'serving', 'note', /taken down on purpose/);
  });

  describe('who calls keepalive', () => {
    const crontab = (at: Site, line: string): string =>
      `unshare -m sh -c 'mount -t tmpfs none /etc/cron.d && echo "$0" > /etc/cron.d/shop && exec "$@"' "${line.replace('CONFIG', at.join('graceful.config.json'))}" `;

    it('nobody', async () => {
      await using at = await site();
      found(await doctor(at), 'caller', 'warning', /nobody calls keepalive/);
    });

    it('a crontab, with no cron daemon, and then with one', async () => {
      await using at = await site();
      const before = crontab(at, '* * * * * root graceful -c CONFIG keepalive');
      found(
        await doctor(at, { before: `unshare -fp --mount-proc ${before}` }),
        'caller',
        'error',
        /no cron daemon is running/,
      );
      const withCron = before.replace('&& exec', '&& { cron -f & } && exec');
      const report = await doctor(at, { before: `unshare -fp --kill-child --mount-proc ${withCron}` });
      found(report, 'caller', 'ok', /keepalive is called by \/etc\/cron.d\/shop/);
      found(report, 'caller', 'note', /nobody calls `stop --inactive`/);
    });

    it('the supervisor; a crontab beside it is told', async () => {
      await using at = await site();
      const supervisor = spawn('sh', ['-c', 'exec graceful run'], {
        cwd: at.dir,
        env: { ...process.env, PATH: `${installed.bin}:${process.env['PATH']}` },
        stdio: 'ignore',
      });
      try {
        await until('it serves', async () => (await at.sh('graceful status -q')).code === 0);
        const report = await doctor(at, { before: crontab(at, '* * * * * root graceful -c CONFIG keepalive') });
        found(report, 'caller', 'ok', /the supervisor/);
        found(report, 'caller', 'note', /as well/);
      } finally {
        supervisor.kill('SIGKILL');
      }
    });
  });

  it('a logout that would end the backend', async () => {
    await using at = await site();
    await mkdir('/etc/systemd/logind.conf.d', { recursive: true });
    const before = `unshare -m sh -c 'mount -t tmpfs none /etc/systemd/logind.conf.d && printf "[Login]\\nKillUserProcesses=yes\\n" > /etc/systemd/logind.conf.d/x.conf && exec "$@"' sh `;
    found(await doctor(at, { before, as: AS_NOBODY }), 'logout', 'warning', /ends at logout/);
    found(await doctor(at, { as: AS_NOBODY }), 'logout', 'ok', /outlives/);
  });

  it('changes nothing: the state dir is as it was, byte for byte', async () => {
    await using at = await site();
    await at.sh('graceful start');
    const listing = async () =>
      (await at.sh('find run -printf "%p %y %m %U %G %s %T@ %i\\n" | sort | grep -v "^run d"; cat run/*.json')).stdout;
    const before = await listing();
    await doctor(at);
    assert.equal(await listing(), before);
    await rm(at.join('run'), { recursive: true });
    await doctor(at);
    assert.notEqual((await at.sh('test -e run')).code, 0);
  });
});
