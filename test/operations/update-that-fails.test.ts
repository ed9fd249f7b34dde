// A failed update changes nothing: every way in which a new version can be bad, one by one.
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import type { FailureCode } from '../../src/core/failure.ts';
import { ofEachKind } from '../rig/extent.ts';
import { onEachHost } from '../rig/hosts.ts';
import { assertExit, eventsOf, failureOf, type Run, type TestApp } from '../rig/test-app.ts';

interface Case {
  readonly title: string;
  /** Makes the next version a bad one. */
  readonly spoil: (app: TestApp) => void;
  readonly failure: FailureCode;
  /** What an operator has to see, without --json. */
  readonly says: readonly RegExp[];
  readonly details?: (run: Run, app: TestApp) => void;
  readonly exitCode?: number;
}

const broken =
  (kind: string, startTimeout = '2m') =>
  (app: TestApp) => {
    app.configure({ startTimeout });
    app.deploy('2', { APP_BROKEN: kind });
  };

const command = (...argv: readonly string[]) => ({ command: argv });

const CASES: readonly Case[] = [
  {
    title: 'exits at once: its exit code and its last words are shown',
    spoil: broken('exits'),
    failure: 'backend-exited',
    says: [/exited with code 3/, /relation "orders" has no column "total"/, /Traffic is where it was/],
    details: (run) => {
      const { exitCode, signal, log } = failureOf(run, 'backend-exited').details;
      assert.deepEqual([exitCode, signal], [3, null]);
      assert.deepEqual(log, [
        'Reading settings',
        'Connecting to the database',
        'Error: relation "orders" has no column "total"',
      ]);
    },
  },
  {
    title: 'exits with code 0 before it listens',
    spoil: (app) => app.configure(command('sh', '-c', 'echo daemonized')),
    failure: 'backend-exited',
    says: [/exited with code 0/, /daemonized/],
  },
  {
    title: 'is killed by a signal: the signal is named',
    spoil: (app) => app.configure(command('sh', '-c', 'echo out of memory; kill -KILL $$')),
    failure: 'backend-exited',
    says: [/killed by SIGKILL/, /out of memory/],
    details: (run) => assert.equal(failureOf(run, 'backend-exited').details.signal, 'SIGKILL'),
  },
  {
    title: 'talks much before it dies: the last 20 lines are shown',
    spoil: (app) => app.configure(command('sh', '-c', 'seq 1 500; exit 9')),
    failure: 'backend-exited',
    says: [/\| 481\n[\s\S]*\| 500\n/],
    details: (run) => {
      const { log } = failureOf(run, 'backend-exited').details;
      assert.deepEqual([log.length, log[0], log.at(-1)], [20, '481', '500']);
    },
  },
  {
    title: 'never listens',
    spoil: broken('never-listens', '15s'),
    failure: 'not-ready',
    says: [/not ready within 15 ?s/, /no socket yet/, /doing anything but listening/],
    details: (run) => assert.deepEqual(failureOf(run, 'not-ready').details.listensAt, []),
  },
  {
    title: 'hangs before it listens',
    spoil: broken('hangs', '15s'),
    failure: 'not-ready',
    says: [/not ready within/, /Waiting for a lock that nobody will release/],
  },
  {
    title: 'answers 500: the answer is shown',
    spoil: broken('500', '15s'),
    failure: 'not-ready',
    says: [/not ready within/, /HTTP 500/],
    details: (run) => assert.equal(failureOf(run, 'not-ready').details.lastProbe, 'HTTP 500'),
  },
  {
    title: 'listens at another path: it is told which one it should have bound',
    spoil: broken('wrong-path', '15s'),
    failure: 'not-ready',
    says: [/app-b\.socket\.wrong/, /app-b\.socket$/m, /GRACEFUL_SOCKET/],
    details: (run, app) => {
      const { listensAt, expected } = failureOf(run, 'not-ready').details;
      assert.deepEqual(listensAt, [`${app.socket('b')}.wrong`]);
      assert.equal(expected, app.socket('b'));
    },
  },
  {
    title: 'listens at a TCP port: the port is named',
    spoil: broken('tcp', '15s'),
    failure: 'not-ready',
    says: [/TCP port \d+/, /app-b\.socket$/m],
    details: (run) => assert.match(failureOf(run, 'not-ready').details.listensAt.join(), /^TCP port \d+$/),
  },
  {
    title: 'does not exist',
    spoil: (app) => app.configure(command(join(app.dir, 'bin/missing'))),
    failure: 'not-executable',
    says: [/bin\/missing cannot be executed: no such file/],
  },
  {
    title: 'is not in PATH',
    spoil: (app) => app.configure(command('graceful-test-no-such-program')),
    failure: 'not-executable',
    says: [/not found in PATH/],
  },
  {
    title: 'has no x bit: its mode is shown',
    spoil: (app) => {
      writeFileSync(join(app.dir, 'server'), '#!/bin/sh\n');
      chmodSync(join(app.dir, 'server'), 0o644);
      app.configure(command('./server'));
    },
    failure: 'not-executable',
    says: [/not executable \(mode 0644; chmod \+x it\)/],
  },
  {
    title: 'is a directory',
    spoil: (app) => {
      mkdirSync(join(app.dir, 'server'));
      app.configure(command('./server'));
    },
    failure: 'not-executable',
    says: [/is not a file/],
  },
  {
    title: 'is a script whose interpreter does not exist',
    spoil: (app) => {
      writeFileSync(join(app.dir, 'server'), '#!/no/such/interpreter\n', { mode: 0o755 });
      app.configure(command('./server'));
    },
    failure: 'backend-exited',
    says: [/exited with code 12[67]/, /server: not found|no such file|bad interpreter/i],
  },
  {
    title: 'is prepared by a beforeStart hook that fails: what the hook said is shown',
    spoil: (app) => app.configure({ hooks: { beforeStart: ['sh', '-c', 'echo migration 17 failed >&2; exit 4'] } }),
    failure: 'hook-failed',
    says: [/beforeStart failed: exit code 4/, /migration 17 failed/],
    details: (run) => {
      assert.equal(eventsOf(run, 'backend-started').length, 0);
      assert.deepEqual(failureOf(run, 'hook-failed').details, {
        hook: 'beforeStart',
        reason: 'exit code 4',
        output: ['migration 17 failed'],
      });
    },
  },
  {
    title: 'is prepared by a beforeStart hook that does not exist',
    spoil: (app) => app.configure({ hooks: { beforeStart: ['/no/such/hook'] } }),
    failure: 'hook-failed',
    says: [/beforeStart failed/, /ENOENT/],
  },
  {
    title: 'is prepared by a beforeStart hook that hangs: it is given startTimeout',
    spoil: (app) => app.configure({ startTimeout: '500ms', hooks: { beforeStart: ['sleep', '1000'] } }),
    failure: 'hook-failed',
    says: [/still running after 500 ms, and ended \(hooks\.timeout\)/],
  },
  {
    title: 'is prepared by a beforeStart hook whose child hangs: it is given hooks.timeout, where that is configured',
    spoil: (app) => app.configure({ hooks: { timeout: '500ms', beforeStart: ['sh', '-c', 'sleep 1000; true'] } }),
    failure: 'hook-failed',
    says: [/still running after 500 ms, and ended \(hooks\.timeout\)/],
  },
  {
    title: 'has a working directory that is missing',
    spoil: (app) => app.configure({ cwd: 'releases/42' }),
    failure: 'not-executable',
    says: [/releases\/42/],
  },
  {
    title: 'has a working directory that is missing, with a beforeStart hook',
    spoil: (app) => app.configure({ cwd: 'releases/42', hooks: { beforeStart: ['true'] } }),
    failure: 'not-executable',
    says: [/releases\/42/],
  },
  {
    title: 'has an envFile that is missing: a mistake in the configuration, exit code 2',
    spoil: (app) => app.configure({ envFile: 'secrets.env' }),
    failure: 'config',
    exitCode: 2,
    says: [/envFile: found no file at .*secrets\.env/],
  },
];

onEachHost('an update leaves traffic where it was when the new version', (createApp) => {
  for (const { title, spoil, failure, says, details, exitCode = 1 } of ofEachKind(CASES, ({ failure }) => failure)) {
    it(title, async () => {
      await using app = await createApp();
      await app.succeed('update');
      const before = { link: app.linkIdentity(), pid: app.pid('a') };
      spoil(app);

      const run = await app.graceful('update');
      assertExit(run, exitCode);
      assert.equal(run.failure?.code, failure, run.stdout);
      details?.(run, app);
      assertUntouched(app, before);

      const plain = await app.plain('update');
      assertExit(plain, exitCode);
      for (const words of says) assert.match(plain.stderr, words);
      assertUntouched(app, before);
      assert.equal((await app.get('/')).version, '1');
    });
  }

  it('is fixed: the next update succeeds', async () => {
    await using app = await createApp();
    await app.succeed('update');
    app.deploy('2', { APP_BROKEN: 'exits' });
    assertExit(await app.graceful('update'), 1);
    app.deploy('3');
    await app.succeed('update');
    assert.equal((await app.get('/')).version, '3');
  });

  it('answers its own socket and not the link: the switch is undone, the new one is drained and stopped', async () => {
    await using app = await createApp();
    await app.succeed('update');
    const old = app.pid('a');
    // {socket} is the path that is probed: the slot's own first, the link after the switch.
    app.configure({
      health: {
        type: 'exec',
        command: ['sh', '-c', 'case {socket} in *-[ab].socket) ;; *) echo wrong door; exit 7; esac'],
      },
    });
    app.deploy('2');
    const run = await app.graceful('update');
    assertExit(run, 1);
    assert.equal(failureOf(run, 'verify-failed').details.detail, 'exit 7: wrong door');
    assert.deepEqual(
      run.events.map((event) => event.type).filter((type) => !type.endsWith('waiting')),
      [
        'backend-started',
        'backend-ready',
        'traffic-switched',
        'traffic-restored',
        'backend-drained',
        'backend-signalled',
        'backend-stopped',
      ],
    );
    assert.equal(app.active(), 'a');
    assert.equal((await app.get('/')).version, '1');
    assert.deepEqual(app.processes(), [old]);
    const plain = await app.plain('update');
    assert.match(plain.stderr, /did not answer through the link: exit 7: wrong door[\s\S]*The switch was undone/);
  });

  it('does not answer the link, and it is the first one: there is no link, and no process is left', async () => {
    await using app = await createApp({
      config: { health: { type: 'exec', command: ['sh', '-c', 'case {socket} in *-[ab].socket) ;; *) exit 7; esac'] } },
    });
    const run = await app.graceful('update');
    assertExit(run, 1);
    failureOf(run, 'verify-failed');
    assert.equal((await app.status()).link.target, null);
    assert.deepEqual(app.processes(), []);
  });
});

function assertUntouched(app: TestApp, before: { link: string; pid: number | null }): void {
  assert.equal(app.linkIdentity(), before.link, 'the link was touched');
  assert.equal(app.pid('a'), before.pid);
  assert.equal(app.pid('b'), null, 'a pid file is left');
  assert.deepEqual(app.processes(), [before.pid], 'a process is left');
}
