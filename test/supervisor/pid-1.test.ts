// `graceful run` as the first process of a container: a pid namespace is all that it needs to be one.
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { allOrFirst } from '../rig/extent.ts';
import { makeFifo } from '../rig/fifo.ts';
import { argumentsOf, parentOf, runs, stateOf } from '../rig/processes.ts';
import { skipUnless } from '../rig/requirements.ts';
import { BIN, cleanEnvironment, createTestApp, NODE_APP, type TestApp } from '../rig/test-app.ts';
import { ask, NO_SCHEDULE, startSupervisor, type TestSupervisor } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

const NAMESPACE = ['/usr/bin/unshare', '--pid', '--fork', '--kill-child', '--mount-proc'];

const mayUnshare = spawnSync(NAMESPACE[0] ?? '', [...NAMESPACE.slice(1), '/bin/true']).status === 0;
const skip = mayUnshare ? skipUnless('tini') : 'pid namespaces may not be made here (not root?)';

/** The process that is PID 1 in the namespace, by its pid out here. */
const pidOneOf = (supervisor: TestSupervisor): Promise<number> =>
  until('the namespace has a PID 1', () =>
    readdirSync('/proc')
      .filter((entry) => /^\d+$/.test(entry))
      .map(Number)
      .find((pid) => parentOf(pid) === supervisor.pid),
  );

/** The pid out here of what has another one in there: in the namespace of `pidOne`, since each has a pid 7. */
const outside = (inside: number, pidOne: number): number | undefined =>
  readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => pid !== pidOne && namespaceOf(pid) === namespaceOf(pidOne))
    .find((pid) => new RegExp(`^NSpid:.*\\s${inside}$`, 'm').test(statusOf(pid)));

function namespaceOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/pid`);
  } catch {
    return ''; // gone
  }
}

function statusOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8').replace(/^NSpid:\t\d+$/m, '');
  } catch {
    return ''; // gone
  }
}

interface Orphan {
  readonly app: TestApp;
  /** Lets it end. */
  release(): void;
  /** Its pid out here. */
  pid(pidOne: number): Promise<number>;
}

/** An app whose backend leaves a process behind, which ends when the test says so. */
async function appWithOrphan(): Promise<Orphan> {
  const app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
  const marker = join(app.dir, 'orphan');
  const fifo = makeFifo(join(app.dir, 'fifo'));
  const leave = `("/bin/sh" -c 'echo $$ > "$0"; read -r line < "$1"' ${marker} ${join(app.dir, 'fifo')} &); exec "$0" "$1"`;
  app.configure({ command: ['/bin/sh', '-c', leave, process.execPath, NODE_APP] });
  return {
    app,
    release: fifo.release,
    pid: (pidOne) =>
      until('the orphan is there', () => {
        const inside = existsSync(marker) ? Number(readFileSync(marker, 'utf8')) : 0;
        return inside > 0 && outside(inside, pidOne);
      }),
  };
}

function pathWithoutTini(app: TestApp): string {
  const bin = join(app.dir, 'bin');
  mkdirSync(bin);
  symlinkSync('/bin/sh', join(bin, 'sh'));
  return bin;
}

describe('a supervisor that is PID 1', { skip, concurrency: 3 }, () => {
  it('runs under tini where that is installed: what others leave behind is reaped', async () => {
    const { app, pid, release } = await appWithOrphan();
    await using _app = app;
    await using supervisor = startSupervisor(app, { wrapper: NAMESPACE });
    await supervisor.begun;
    const pidOne = await pidOneOf(supervisor);
    const orphan = await pid(pidOne);
    const tini = parentOf(orphan);
    assert.match(argumentsOf(tini)[0] ?? '', /tini$/);
    assert.equal(parentOf(tini), pidOne);
    release();
    await until('nothing is left of it, not even a zombie', () => stateOf(orphan) === null);
    assert.equal(supervisor.stderr(), '');
    assert.equal((await app.get('/')).status, 200);
  });

  it('without tini says what is missing and goes on', async () => {
    const { app, pid, release } = await appWithOrphan();
    await using _app = app;
    await using supervisor = startSupervisor(app, { wrapper: NAMESPACE, env: { PATH: pathWithoutTini(app) } });
    await supervisor.begun;
    assert.match(supervisor.stderr(), /^graceful: this is PID 1 and tini is not installed: .*docker run --init`\n$/);
    assert.equal((await app.get('/')).status, 200);
    // The witness: what tini is for.
    const pidOne = await pidOneOf(supervisor);
    const orphan = await pid(pidOne);
    release();
    await until('it is a zombie', () => stateOf(orphan) === 'Z');
    // Its own backends are its children, and it reaps those.
    const active = await until('the backend is there', () => outside(app.pid('a') ?? 0, pidOne));
    process.kill(active, 'SIGKILL');
    await supervisor.event('backend-died');
    await until('it was reaped', () => stateOf(active) === null);
    await supervisor.event('switch-verified', ({ slot }) => slot === 'b');
  });

  for (const init of allOrFirst(['under tini', 'without tini'] as const))
    it(`passes SIGTERM on (${init}): requests are finished, backends stopped, exit code 0`, async () => {
      // Long enough to be seen while it is being answered.
      const config = { schedule: NO_SCHEDULE, drainTimeout: '60s' };
      await using app = await createTestApp({ config, env: { APP_SLOW_MS: '6000' } });
      const env = init === 'under tini' ? {} : { PATH: pathWithoutTini(app) };
      await using supervisor = startSupervisor(app, { wrapper: NAMESPACE, env });
      await supervisor.begun;
      const inFlight = app.get('/slow');
      await until('the request is being answered', async () =>
        /"accepted":1/.test((await ask(app, 'GET', '/status')).body),
      );
      process.kill(await pidOneOf(supervisor), 'SIGTERM');
      const { code, stdout, stderr } = await supervisor.ended;
      assert.equal(code, 0, stdout + stderr);
      assert.equal((await inFlight).status, 200);
      assert.equal((await supervisor.event('supervisor-stopping')).by, 'SIGTERM');
      assert.ok(supervisor.events.some((event) => event.type === 'backend-stopped' && !event.killed));
      assert.deepEqual(app.processes(), []);
    });

  it('passes SIGHUP on: what it updates is served', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
    await using supervisor = startSupervisor(app, { wrapper: NAMESPACE });
    await supervisor.begun;
    app.deploy('2');
    process.kill(await pidOneOf(supervisor), 'SIGHUP');
    await supervisor.event('operation-completed', ({ operation }) => operation === 'update');
    assert.equal((await app.get('/')).version, '2');
  });

  it('ends with the exit code of what failed', async () => {
    await using app = await createTestApp({ config: { schedule: { keepalive: '99 * * * *' } } });
    await using supervisor = startSupervisor(app, { wrapper: NAMESPACE });
    assert.equal((await supervisor.ended).code, 2);
  });
});

it('a backend that is a zombie, because its supervisor does not reap it, is dead to `status` and to `update`', {
  skip,
}, async () => {
  await using app = await createTestApp({ config: { schedule: NO_SCHEDULE } });
  await using supervisor = startSupervisor(app, { wrapper: NAMESPACE, env: { PATH: pathWithoutTini(app) } });
  await supervisor.begun;
  const pidOne = await pidOneOf(supervisor);
  const backend = await until('the backend is there', () => outside(app.pid('a') ?? 0, pidOne));
  process.kill(pidOne, 'SIGSTOP');
  process.kill(backend, 'SIGKILL');
  // Its other threads may live on for a moment.
  await until('it is a zombie', () => stateOf(backend) === 'Z' && !runs(backend));
  const status = await inside(pidOne, app, 'status', '--json');
  assert.equal(status.code, 3, status.stdout);
  const report = JSON.parse(status.stdout) as { slots: { state: string; pid: number | null }[] };
  assert.deepEqual(
    report.slots.map(({ state, pid }) => [state, pid]),
    [
      ['stopped', null],
      ['stopped', null],
    ],
  );
  const update = await inside(pidOne, app, 'update', '--json');
  assert.equal(update.code, 0, update.stdout);
  assert.equal((await app.get('/')).status, 200);
  process.kill(pidOne, 'SIGCONT');
});

/** Runs a command in the namespace of a process. */
async function inside(
  pid: number,
  app: TestApp,
  ...args: readonly string[]
): Promise<{ code: number; stdout: string }> {
  const child = spawn('/usr/bin/nsenter', ['-t', String(pid), '-p', '-m', process.execPath, BIN, ...args], {
    cwd: app.dir,
    env: { ...cleanEnvironment(), GRACEFUL_CONFIG: join(app.dir, 'graceful.config.json') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let stdout = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    stdout += chunk;
  });
  const [code] = await once(child, 'close');
  return { code: code as number, stdout };
}
