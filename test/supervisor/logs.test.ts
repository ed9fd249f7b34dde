// What a supervisor writes for people and for journald, and what becomes of the backends' own output.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { followLog } from '../../src/hosts/supervisor/log-relay.ts';
import { inRepo } from '../rig/paths.ts';
import { need, skipUnless } from '../rig/requirements.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { createTestApp, type TestApp } from '../rig/test-app.ts';
import { NO_SCHEDULE, startSupervisor, type TestSupervisor } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

const quietApp = (config: Readonly<Record<string, unknown>> = {}): Promise<TestApp> =>
  createTestApp({ config: { schedule: NO_SCHEDULE, ...config } });

const says = (supervisor: TestSupervisor, what: RegExp): Promise<true> =>
  until(`it says ${what}`, () => what.test(supervisor.stdout())).catch((error: unknown) => {
    throw new Error(`${String(error)}: ${supervisor.stdout()}`);
  });

// A backend that writes a line, with its pid and a number, ten times a second.
const CHATTY = `
import('node:http').then(({ createServer }) => createServer((_, r) => r.end('ok')).listen(process.env.GRACEFUL_SOCKET));
let count = 0;
setInterval(() => console.log('line ' + ++count + ' of ' + process.pid), 100);
`;

const chattyApp = (config: Readonly<Record<string, unknown>> = {}): Promise<TestApp> =>
  quietApp({ command: [process.execPath, '-e', CHATTY], health: { type: 'connect' }, ...config });

const countIn = (file: string): number =>
  Math.max(0, ...[...readFileSync(file, 'utf8').matchAll(/^line (\d+) of/gm)].map(([, count]) => Number(count)));

describe('logs', { concurrency: 2 }, () => {
  describe('the log of a supervisor', { concurrency: 2 }, () => {
    it('has one line for each event, beginning with the app', async () => {
      await using app = await quietApp();
      await using supervisor = startSupervisor(app, { json: false });
      await says(supervisor, /^app: keepalive: done in /m);
      const { code, stdout, stderr } = await supervisor.kill('SIGTERM');
      assert.deepEqual([code, stderr], [0, '']);
      const lines = stdout.trimEnd().split('\n');
      for (const line of lines) assert.match(line, /^app: \S/);
      for (const what of [
        /supervised by pid \d+/,
        /keepalive: asked for by the supervisor started/,
        /leaving \(SIGTERM\)/,
      ])
        assert.equal(lines.filter((line) => what.test(line)).length, 1, `${what} in\n${stdout}`);
    });

    it('begins each line with its priority for journald, and only there', async () => {
      await using app = await chattyApp({ log: 'inherit' });
      await using supervisor = startSupervisor(app, { json: false, env: { JOURNAL_STREAM: '9:12345' } });
      await says(supervisor, /line 2 of/);
      process.kill(app.pid('a') ?? assert.fail(), 'SIGKILL');
      await says(supervisor, /^<4>app: a: died, pid \d+ was killed by SIGKILL$/m);
      await says(supervisor, /^<5>app: .*traffic/im);
      for (const line of supervisor.stdout().split('\n').slice(0, -1)) assert.match(line, /^<[3456]>app/);
    });

    it('is JSON from the first line to the last with --json, whatever else it prints', async () => {
      await using app = await chattyApp({ log: 'inherit' });
      await using supervisor = startSupervisor(app, { args: ['--metrics-listen', '127.0.0.1:0'] });
      await says(supervisor, /"line 2 of/);
      const { stdout } = await supervisor.kill('SIGTERM');
      const keys = stdout
        .trimEnd()
        .split('\n')
        .map((line) => Object.keys(JSON.parse(line) as object)[0]);
      assert.deepEqual([...new Set(keys)].sort(), ['event', 'metrics', 'output']);
    });

    it('may end in a pipe that nobody reads any more: the supervisor goes on', async () => {
      await using app = await chattyApp({ log: 'inherit' });
      await using supervisor = startSupervisor(app, { json: false });
      await says(supervisor, /line 2 of/);
      supervisor.process.stdout?.destroy();
      const before = countIn(app.file('app-a.log'));
      await until('the backend goes on', () => countIn(app.file('app-a.log')) > before + 2);
      await app.succeed('update');
      supervisor.process.kill('SIGTERM');
      assert.equal((await supervisor.ended).code, 0);
    });
  });

  describe('`log: inherit`', { concurrency: 2 }, () => {
    it('repeats what the backends write, each line with its app and slot, to their last one', async () => {
      await using app = await quietApp({ log: 'inherit' });
      await using supervisor = startSupervisor(app, { json: false });
      await says(supervisor, /^app a \| Version 1 is listening on /m);
      app.deploy('2');
      await app.succeed('update');
      await says(supervisor, /^app b \| Version 2 is listening on /m);
      assert.match(readFileSync(app.file('app-b.log'), 'utf8'), /Version 2 is listening/);
      const last = `console.log('up'); process.on('SIGTERM', () => { console.log('my last words'); process.exit(0); });`;
      app.configure({ command: [process.execPath, '-e', `${CHATTY}${last}`], health: { type: 'connect' } });
      await app.succeed('update');
      const { stdout } = await supervisor.kill('SIGTERM');
      assert.match(stdout, /^app a \| my last words$/m);
    });

    it('can be turned on and off by a reread', async () => {
      await using app = await chattyApp();
      await using supervisor = startSupervisor(app, { json: false });
      await says(supervisor, /keepalive: done/);
      app.configure({ log: 'inherit' });
      supervisor.process.kill('SIGHUP');
      await says(supervisor, /^app b \| line 2 of/m);
      app.configure({ log: 'file' });
      supervisor.process.kill('SIGHUP');
      await says(supervisor, /(update: done[\s\S]*){2}/);
      const before = supervisor.stdout().split('\n').length;
      const written = countIn(app.file('app-a.log'));
      await until('the backend writes on', () => countIn(app.file('app-a.log')) > written + 3);
      assert.equal(supervisor.stdout().split('\n').length, before);
    });

    it('costs a backend nothing when the supervisor is killed: it goes on, and so does its log', async () => {
      await using app = await chattyApp({ log: 'inherit' });
      {
        await using supervisor = startSupervisor(app, { json: false });
        await says(supervisor, /^app a \| line 2 of/m);
        await supervisor.kill('SIGKILL');
      }
      const before = countIn(app.file('app-a.log'));
      await until('it goes on', () => countIn(app.file('app-a.log')) > before + 3);
      await using next = startSupervisor(app, { json: false });
      await says(next, new RegExp(`^app a \\| line \\d+ of ${app.pid('a')}$`, 'm'));
      // From where it is now: what was said before was said to the supervisor before.
      assert.doesNotMatch(next.stdout(), /\| line 1 of/);
    });
  });

  describe('following a log', { concurrency: 2 }, () => {
    it('gives whole lines, however they are written, and characters of more than one byte as they are', async () => {
      await using dir = await tempDir();
      const path = dir.join('log');
      writeFileSync(path, 'from before\n');
      const lines: string[] = [];
      const stop = followLog(path, (line) => lines.push(line));
      const text = Buffer.from(`${'grüße, 世界 🎉 '.repeat(20_000)}\nthe end\n`);
      for (let at = 0; at < text.length; at += 65_537) {
        appendFileSync(path, text.subarray(at, at + 65_537));
        // In steps that do not fall together with the reader's own.
        await new Promise((resolve) => setImmediate(resolve));
      }
      await until('all is read', () => lines.at(-1) === 'the end');
      stop();
      const whole = lines.slice(0, -1).join('');
      assert.equal(whole.includes('\uFFFD'), false);
      assert.ok(text.toString().includes(whole.slice(-1_000)));
    });

    it('goes on after the file was emptied', async () => {
      await using dir = await tempDir();
      const path = dir.join('log');
      const lines: string[] = [];
      const stop = followLog(path, (line) => lines.push(line));
      appendFileSync(path, 'one\ntwo\nhalf a li');
      await until('it is read', () => lines.length === 2);
      truncateSync(path);
      appendFileSync(path, 'three\n');
      await until('the rest is read', () => lines.length === 3);
      stop();
      stop();
      assert.deepEqual(lines, ['one', 'two', 'three']);
    });
  });

  describe('logrotate, by the example', { skip: skipUnless('logrotate') }, () => {
    it('copies and empties the logs: backends go on writing, and the supervisor goes on repeating', async () => {
      await using app = await chattyApp({ log: 'inherit' });
      await using supervisor = startSupervisor(app, { json: false });
      await says(supervisor, /^app a \| line 3 of/m);
      const log = app.file('app-a.log');
      const { ino } = statSync(log);
      const { username, gid } = userInfo();
      const group = spawnSync('id', ['-gn', String(gid === 0 ? 'root' : username)], { encoding: 'utf8' }).stdout.trim();
      const config = join(app.dir, 'logrotate.conf');
      const shipped = readFileSync(inRepo('test/supervisor/logrotate.conf'), 'utf8');
      const used = shipped.replace('/run/app/', `${app.stateDir}/`).replace('su app app', `su ${username} ${group}`);
      assert.notEqual(used, shipped);
      writeFileSync(config, used, { mode: 0o600 });
      for (let rotation = 1; rotation <= 2; rotation += 1) {
        const before = countIn(log);
        const rotated = spawnSync(need('logrotate'), ['--force', '--state', join(app.dir, 'state'), config], {
          encoding: 'utf8',
        });
        assert.deepEqual([rotated.status, rotated.stderr], [0, '']);
        assert.ok(existsSync(`${log}.1`));
        await until('the backend writes on', () => countIn(log) > before + 3);
        await says(supervisor, new RegExp(`^app a \\| line ${countIn(log)} of`, 'm'));
        assert.doesNotMatch(readFileSync(log, 'latin1'), /\0/, 'written at its old offset, with a hole before it');
      }
      assert.equal(statSync(log).ino, ino);
      assert.ok(statSync(log).size < 2_000);
    });
  });
});
