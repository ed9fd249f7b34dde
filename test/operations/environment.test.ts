// What a backend, a hook and a health check are given; and who may connect to the socket.
import assert from 'node:assert/strict';
import { chownSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { SKIP_IN_SHORT } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { argumentsOf, environmentOf } from '../rig/processes.ts';
import { assertExit, createTestApp, eventsOf, failureOf, NODE_APP, type TestApp } from '../rig/test-app.ts';

const environment = (app: TestApp) => environmentOf(app.pid('a') ?? assert.fail('nothing runs in a'));

onEachHost('a backend', (createApp) => {
  it('is told its socket, its slot and the name of the app', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const { GRACEFUL_SOCKET, GRACEFUL_SLOT, GRACEFUL_NAME } = environment(app);
    assert.deepEqual([GRACEFUL_SOCKET, GRACEFUL_SLOT, GRACEFUL_NAME], [app.socket('a'), 'a', 'app']);
    const { slot, name } = JSON.parse((await app.get('/whoami')).body);
    assert.deepEqual([slot, name], ['a', 'app']);
  });

  it('gets placeholders replaced in its command and its environment', async () => {
    await using app = await createApp({
      env: { BIND: 'unix:{socket}', WHO: '{name}-{slot} in {stateDir}', JSON: '{"slot": {}}' },
      config: { command: [process.execPath, NODE_APP, '--socket={socket}', '{name}/{slot}', '{other}'] },
    });
    await app.succeed('update');
    const { BIND, WHO, JSON: json } = environment(app);
    assert.deepEqual([BIND, WHO, json], [`unix:${app.socket('a')}`, `app-a in ${app.stateDir}`, '{"slot": {}}']);
    assert.deepEqual(argumentsOf(app.pid('a') ?? 0).slice(2), [`--socket=${app.socket('a')}`, 'app/a', '{other}']);
  });

  it('is found in PATH past a directory that cannot be looked into: under `sudo -u` those of root stay in it', async () => {
    await using app = await createApp();
    const closed = join(app.dir, 'closed');
    symlinkSync(closed, closed); // ELOOP, which is for root what EACCES is for others
    const PATH = [closed, dirname(process.execPath), process.env['PATH']].join(':');
    app.configure({ command: ['node', NODE_APP] });
    app.deploy('1', { PATH });
    await app.succeed('update');
    app.configure({ command: ['no-such-program'] });
    assert.match(
      failureOf(await app.graceful('update'), 'not-executable').details.reason,
      /^ELOOP: .*closed\/no-such-program/,
    );
  });

  it('gets variables whose names no shell would take', async () => {
    await using app = await createApp({ env: { 'spring.port': '8080 and more', 'a-b': "it's" } });
    await app.succeed('update');
    assert.deepEqual([environment(app)['spring.port'], environment(app)['a-b']], ['8080 and more', "it's"]);
  });

  it('gets arguments exactly as they are configured, whatever a shell would make of them', async () => {
    const odd = ['$HOME', '`id`', 'two words', "it's", '"', '', '*', '\\n', 'ünïcode', '-c'];
    await using app = await createApp({ config: { command: [process.execPath, NODE_APP, ...odd] } });
    await app.succeed('update');
    assert.deepEqual(argumentsOf(app.pid('a') ?? 0).slice(2), odd);
  });

  it('gets env and envFile as they are on disk at each start, env being stronger', async () => {
    await using app = await createApp({ config: { envFile: '.env' } });
    writeFileSync(join(app.dir, '.env'), 'FROM_FILE=1\nBOTH=file\nQUOTED="a b"\n');
    app.deploy('1', { BOTH: 'env' });
    await app.succeed('update');
    const first = environment(app);
    assert.deepEqual([first['FROM_FILE'], first['BOTH'], first['QUOTED']], ['1', 'env', 'a b']);
    writeFileSync(join(app.dir, '.env'), 'FROM_FILE=2\n');
    await app.succeed('restart', '--all');
    assert.equal(environment(app)['FROM_FILE'], '2');
  });

  it('does not get what is set to null, nor what speaks to the manager', async () => {
    await using app = await createApp({
      config: { env: { SECRET: null } },
      managerEnv: {
        SECRET: 'of the manager',
        KEPT: 'yes',
        NOTIFY_SOCKET: '/run/systemd/notify',
        GRACEFUL_STATEDIR: 'run',
      },
    });
    await app.succeed('update');
    const { SECRET, KEPT, NOTIFY_SOCKET, GRACEFUL_STATEDIR } = environment(app);
    assert.deepEqual([SECRET, KEPT, NOTIFY_SOCKET, GRACEFUL_STATEDIR], [undefined, 'yes', undefined, undefined]);
  });

  it('runs in the directory that `current` leads to at its start', async () => {
    await using app = await createApp({ config: { cwd: 'current' } });
    for (const release of ['v1', 'v2']) {
      mkdirSync(join(app.dir, 'releases', release), { recursive: true });
      rmSync(join(app.dir, 'current'), { force: true });
      symlinkSync(`releases/${release}`, join(app.dir, 'current'));
      await app.succeed('update');
      assert.equal(JSON.parse((await app.get('/whoami')).body).cwd, join(app.dir, 'releases', release));
    }
  });

  it('writes its stdout and stderr to the log of its slot, one life after the other', async () => {
    await using app = await createApp();
    await app.succeed('update');
    await app.succeed('restart', '--all');
    const lines = readFileSync(app.file('app-a.log'), 'utf8').trim().split('\n');
    assert.deepEqual(lines, Array(2).fill(`Version 1 is listening on ${app.socket('a')}`));
    assert.equal(statSync(app.file('app-a.log')).mode & 0o007, 0);
  });

  it('keeps nothing of its manager open', async () => {
    await using app = await createApp({
      config: { command: ['sh', '-c', 'ls -l /proc/$$/fd > fds; exec "$0" "$1"', process.execPath, NODE_APP] },
    });
    await app.succeed('update');
    const open = readFileSync(join(app.dir, 'fds'), 'utf8')
      .split('\n')
      .filter((line) => / -> /.test(line) && !/ -> .*\/fds$/.test(line))
      .map((line) => line.replace(/^.* (\d+ -> )/, '$1'));
    // 1 is the redirection of the test; 10 and above are the shell's own.
    assert.deepEqual(
      open.filter((line) => Number.parseInt(line, 10) < 10),
      ['0 -> /dev/null', `2 -> ${app.file('app-a.log')}`],
    );
  });
});

onEachHost('the socket', (createApp) => {
  it('has mode 0660 unless configured otherwise', async () => {
    await using app = await createApp();
    await app.succeed('update');
    assert.equal(statSync(app.socket('a')).mode & 0o777, 0o660);
  });

  it('has the mode and the group that are configured before the link leads to it', async () => {
    const group = aGroupOfOurs();
    await using app = await createApp({
      config: {
        socketMode: '0606',
        socketGroup: group.name,
        hooks: { afterSwitch: ['sh', '-c', 'stat -L -c "%a %g" "$0" > rights', '{stateDir}/app.socket'] },
      },
    });
    await app.succeed('update');
    assert.equal(readFileSync(join(app.dir, 'rights'), 'utf8'), `606 ${group.id}\n`);
  });

  it('that is inherited has both before the backend begins', async () => {
    const group = aGroupOfOurs();
    const command = [
      'sh',
      '-c',
      'stat -c "%a %g" "$GRACEFUL_SOCKET" > rights; exec "$0" "$1"',
      process.execPath,
      NODE_APP,
    ];
    await using app = await createApp({
      config: { socketMode: '0606', socketGroup: group.name, listen: 'inherit', command },
    });
    await app.succeed('update');
    assert.equal(readFileSync(join(app.dir, 'rights'), 'utf8'), `606 ${group.id}\n`);
  });

  it('that is inherited by a backend that never accepts is not told as missing', async () => {
    // The health check's own timeout is longer.
    await using app = await createApp({ config: { listen: 'inherit', command: ['sleep', '600'], startTimeout: '1s' } });
    const run = await app.graceful('update');
    assert.equal(failureOf(run, 'not-ready').details.lastProbe, 'no answer yet');
  });

  it('keeps the group of the one that serves, whoever starts the next: a proxy that reaches the old version reaches the new one', async () => {
    const group = aGroupOfOurs();
    await using app = await createApp();
    await app.succeed('update');
    assert.notEqual(statSync(app.socket('a')).gid, group.id);
    chownSync(app.socket('a'), -1, group.id);
    await app.succeed('update');
    assert.equal(statSync(app.socket('b')).gid, group.id);
  });

  it('of a group that does not exist: exit code 2, and nothing is left running', async () => {
    await using app = await createApp();
    await app.succeed('update');
    app.configure({ socketGroup: 'no-such-group' });
    const before = { link: app.linkIdentity(), processes: app.processes() };
    const run = await app.graceful('update');
    assertExit(run, 2);
    assert.equal(failureOf(run, 'config').details.problems[0]?.key, 'socketGroup');
    assert.deepEqual({ link: app.linkIdentity(), processes: app.processes() }, before);
  });
});

// One-shot only. The rig makes the state dir for a supervisor.
describe('the state dir [one-shot]', { concurrency: 4, timeout: 600_000 }, () => {
  it('is made for the group of the socket, and so are the directories above it that are made for it', async () => {
    const group = aGroupOfOurs();
    await using app = await createTestApp({ config: { socketGroup: group.name, stateDir: 'var/run' } });
    await app.succeed('update');
    for (const made of ['var', 'var/run']) {
      const { gid, mode } = statSync(join(app.dir, made));
      assert.equal(gid, group.id, `nginx needs to search ${made}`);
      assert.equal(mode & 0o777, 0o750);
    }
  });
});

onEachHost('a hook', (createApp) => {
  const say = (what: string) => ['sh', '-c', `echo "${what}" >> hooks.log`];
  const said = (app: TestApp): readonly string[] =>
    readFileSync(join(app.dir, 'hooks.log'), 'utf8').trimEnd().split('\n');

  it('gets placeholders, the environment of the backend, and which hook it is', async () => {
    await using app = await createApp({
      env: { SETTING: 'on' },
      config: {
        hooks: { beforeStart: say('$GRACEFUL_HOOK {name} {slot} {socket} {stateDir} $GRACEFUL_SLOT $SETTING') },
      },
    });
    const run = await app.succeed('update');
    assert.deepEqual(said(app), [`beforeStart app a ${app.socket('a')} ${app.stateDir} a on`]);
    assert.equal(eventsOf(run, 'hook-succeeded')[0]?.hook, 'beforeStart');
  });

  it('afterSwitch is told from where to where; beforeStart comes before the backend, afterSwitch after the switch', async () => {
    await using app = await createApp({
      config: { hooks: { beforeStart: ['true'], afterSwitch: say('from=$GRACEFUL_FROM to=$GRACEFUL_TO slot={slot}') } },
    });
    await app.succeed('update');
    const run = await app.succeed('update');
    assert.deepEqual(said(app), ['from= to=a slot=a', 'from=a to=b slot=b']);
    assert.deepEqual(
      run.events.map((event) => ('hook' in event ? event.hook : event.type)).filter((type) => !/waiting/.test(type)),
      ['beforeStart', 'backend-started', 'backend-ready', 'traffic-switched', 'switch-verified', 'afterSwitch'],
    );
    await app.succeed('switch');
    assert.equal(said(app).at(-1), 'from=b to=a slot=a');
  });

  it('afterSwitch that fails is told, and the update is done all the same: it is too late to fail', async () => {
    await using app = await createApp({
      config: { hooks: { afterSwitch: ['sh', '-c', 'echo no mail server; exit 3'] } },
    });
    const run = await app.succeed('update');
    const [failed] = eventsOf(run, 'hook-failed');
    assert.deepEqual(
      [failed?.hook, failed?.reason, failed?.output],
      ['afterSwitch', 'exit code 3', ['no mail server']],
    );
    assert.equal((await app.get('/')).status, 200);
  });

  it('afterFailure is told which operation failed, why, and in which slot', async () => {
    await using app = await createApp();
    await app.succeed('update');
    app.configure({
      hooks: { afterFailure: say('$GRACEFUL_OPERATION {slot} $GRACEFUL_FAILURE: $GRACEFUL_FAILURE_MESSAGE') },
    });
    app.deploy('2', { APP_BROKEN: 'exits' });
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.match(said(app).join(), /^update b backend-exited: slot b: the backend exited with code 3 after \d+ ms/);
    assert.equal(eventsOf(run, 'hook-succeeded')[0]?.hook, 'afterFailure');
  });

  it('afterFailure that fails does not hide the failure that it was called for', async () => {
    await using app = await createApp({
      env: { APP_BROKEN: 'exits' },
      config: { hooks: { afterFailure: ['/no/such/hook'] } },
    });
    const run = await app.graceful('update');
    assertExit(run, 1);
    failureOf(run, 'backend-exited');
    assert.equal(eventsOf(run, 'hook-failed')[0]?.hook, 'afterFailure');
  });

  it('may say as much as it likes: the last lines are kept', async () => {
    await using app = await createApp({
      config: { hooks: { beforeStart: ['sh', '-c', 'yes 0123456789 | head -c 3000000; echo; echo the end; exit 5'] } },
    });
    const run = await app.graceful('update');
    const { reason, output } = failureOf(run, 'hook-failed').details;
    assert.deepEqual([reason, output.length, output.at(-1)], ['exit code 5', 20, 'the end']);
  });

  it('may leave a process in the background: the update does not wait for that', async () => {
    await using app = await createApp({
      config: { hooks: { beforeStart: ['sh', '-c', 'sleep 1000 & echo started'] } },
    });
    await app.succeed('update');
    assert.equal(app.processes().length, 2, 'the backend and the sleep');
  });

  it('is killed by a signal: the signal is named', async () => {
    await using app = await createApp({ config: { hooks: { beforeStart: ['sh', '-c', 'kill -SEGV $$'] } } });
    assert.equal(failureOf(await app.graceful('update'), 'hook-failed').details.reason, 'killed by SIGSEGV');
  });
});

onEachHost('an exec health check', (createApp) => {
  it('has the environment that the backend runs with while a deploy has taken the envFile away: it is not sick for that', async () => {
    await using app = await createApp();
    const file = join(app.dir, '.env');
    writeFileSync(file, 'SECRET=s3cret\n');
    app.configure({
      envFile: '.env',
      health: {
        type: 'exec',
        command: ['sh', '-c', 'test "$SECRET" = s3cret && test "$GRACEFUL_SOCKET" = {socket}'],
        interval: '20ms',
      },
    });
    await app.succeed('start', '--all');
    rmSync(file);
    const run = await app.succeed('switch');
    assert.deepEqual(run.outcome?.operation === 'switch' && run.outcome.to, 'b');
    await app.succeed('keepalive');
    assert.equal(app.active(), 'b');
  });

  it('gets {socket} as the path to probe: the slot first, the link after the switch', async () => {
    await using app = await createApp();
    app.configure({
      health: { type: 'exec', command: ['sh', '-c', 'echo {slot} {socket} >> probes.log'], interval: '20ms' },
    });
    await app.succeed('update');
    const lines = readFileSync(join(app.dir, 'probes.log'), 'utf8').trim().split('\n');
    assert.equal(lines[0], `a ${app.socket('a')}`);
    assert.equal(lines.at(-1), `a ${app.link}`);
  });

  it('that hangs with all its children ends at health.timeout, and says so', { skip: SKIP_IN_SHORT }, async () => {
    await using app = await createApp({
      config: {
        health: { type: 'exec', command: ['sh', '-c', 'sleep 1000; true'], timeout: '100ms', interval: '20ms' },
        startTimeout: '10s',
      },
    });
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.match(failureOf(run, 'not-ready').details.lastProbe, /no answer in 100 ms \(sh still running\)/);
    assert.deepEqual(app.processes(), []);
    assert.equal(existsSync(app.link), false);
  });
});

/** A group that this user may give a file to. */
function aGroupOfOurs(): { readonly name: string; readonly id: number } {
  const groups = readFileSync('/etc/group', 'utf8')
    .split('\n')
    .map((line) => line.split(':'))
    .map(([name = '', , id = '']) => ({ name, id: Number(id) }));
  const mine = process.geteuid?.() === 0 ? [65534, 1] : (process.getgroups?.() ?? []);
  return groups.find(({ id }) => mine.includes(id)) ?? assert.fail('this user is in no group of /etc/group');
}
