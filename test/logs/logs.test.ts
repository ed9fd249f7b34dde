// `graceful logs`: the last lines of both slots, and what comes after them.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, renameSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { LogReader } from '../../src/system/log-reader.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { assertExit, createTestApp, type RunningCommand, type TestApp } from '../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

/** What a `graceful logs -f` has printed so far. */
function following(app: TestApp, ...args: readonly string[]) {
  const command: RunningCommand = app.spawnGraceful(['logs', '-f', ...args]);
  let stdout = '';
  let stderr = '';
  command.process.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  command.process.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const lines = (): readonly string[] => stdout.split('\n').slice(0, -1);
  return {
    command,
    lines,
    stderr: () => stderr,
    says: (what: RegExp) =>
      until(`it says ${what}`, () => what.test(stdout)).catch((error: unknown) => {
        const { exitCode, signalCode } = command.process;
        throw new Error(`${String(error)}: ${stdout}${stderr}${exitCode ?? signalCode ?? 'still running'}`);
      }),
    async end(signal: NodeJS.Signals = 'SIGINT') {
      command.process.kill(signal);
      return command.finished;
    },
  };
}

const log = (app: TestApp, slot: 'a' | 'b'): string => app.file(`app-${slot}.log`);

/** An app with a state dir and no backend: whoever writes is the test. */
async function createQuietApp(): Promise<TestApp> {
  const app = await createTestApp();
  mkdirSync(app.stateDir, { mode: 0o750 });
  return app;
}

describe('logs', { concurrency: 3 }, () => {
  it('shows the last lines of both slots, each with its slot, the one written to last at the end', async () => {
    await using app = await createQuietApp();
    writeFileSync(log(app, 'b'), 'older\n');
    writeFileSync(log(app, 'a'), 'one\ntwo\nthree, without an end');
    // The order is that of the files' times, which may be the same on a fast machine.
    spawnSync('touch', ['-d', '1 hour ago', log(app, 'b')]);
    assert.equal((await app.plain('logs')).stdout, 'b | older\na | one\na | two\na | three, without an end\n');
    assert.equal((await app.plain('logs', '-n', '1')).stdout, 'b | older\na | three, without an end\n');
    assert.equal((await app.plain('logs', 'a', '-n', '2')).stdout, 'two\nthree, without an end\n');
    assert.equal((await app.plain('logs', 'a', '-n', '0')).stdout, '');
    const json = (await app.plain('logs', 'b', '--json')).stdout;
    assert.deepEqual(JSON.parse(json), { slot: 'b', line: 'older' });
  });

  it('says where it looked when there is nothing, and which slot is meant', async () => {
    await using app = await createTestApp();
    const run = await app.plain('logs');
    assertExit(run, 0);
    assert.match(run.stderr, /^nothing has been written to \S+app-a\.log and \S+app-b\.log$/m);
    assert.match((await app.plain('logs', '--active')).stderr, /^no slot is active$/m);
    assertExit(await app.plain('logs', 'a', '--active'), 2);
    assertExit(await app.plain('logs', 'c'), 2);
  });

  it('-f follows both slots over an update, and a Ctrl-C ends it with exit code 0', async () => {
    await using app = await createTestApp();
    const logs = following(app);
    await app.succeed('update');
    await logs.says(/^a \| Version 1 is listening on /m);
    app.deploy('2');
    await app.succeed('update');
    await logs.says(/^b \| Version 2 is listening on /m);
    await app.succeed('restart', 'b');
    await logs.says(/(^b \| Version 2 is listening on [\s\S]*){2}/m);
    assertExit(await logs.end(), 0);
    const terminated = following(app);
    await terminated.says(/Version 2/);
    assertExit(await terminated.end('SIGTERM'), 0);
  });

  it('-f --active follows whichever slot is active, and passes no line of it over', async () => {
    await using app = await createTestApp();
    await app.succeed('update');
    await app.succeed('update');
    const logs = following(app, '--active', '-n', '1');
    await logs.says(/^b \| Version 1 is listening on /m);
    appendFileSync(log(app, 'b'), 'b first\n');
    await logs.says(/^b \| b first$/m);
    appendFileSync(log(app, 'a'), 'a, which is not active\n');
    await app.succeed('switch');
    appendFileSync(log(app, 'a'), 'a, active now\n');
    await logs.says(/^a \| a, active now$/m);
    appendFileSync(log(app, 'b'), 'b, not any more\n');
    await app.succeed('switch');
    appendFileSync(log(app, 'b'), 'b again\n');
    await logs.says(/^b \| b again$/m);
    const run = await logs.end();
    assertExit(run, 0);
    assert.deepEqual(
      logs.lines().filter((line) => !line.includes('listening')),
      ['b | b first', 'a | a, active now', 'b | b again'],
    );
    assert.deepEqual(run.stderr.trimEnd().split('\n'), ['a is active now', 'b is active now']);
  });

  it('-f reads what a supervisor repeats too: the same files', async () => {
    await using app = await createTestApp({ config: { schedule: NO_SCHEDULE, log: 'inherit' } });
    const logs = following(app, '--json');
    await using _supervisor = await supervise(app);
    await logs.says(/"slot":"a","line":"Version 1 is listening/);
    assertExit(await logs.end(), 0);
  });

  it('-f goes on over both ways to rotate', async () => {
    await using app = await createQuietApp();
    writeFileSync(log(app, 'a'), 'one\n');
    const logs = following(app, 'a');
    await logs.says(/^one$/m);
    renameSync(log(app, 'a'), `${log(app, 'a')}.1`);
    // The backend has the file open still; with `create`, logrotate makes an empty one at once.
    writeFileSync(log(app, 'a'), '');
    appendFileSync(`${log(app, 'a')}.1`, 'two, into the renamed one\n');
    await logs.says(/^two, /m);
    appendFileSync(`${log(app, 'a')}.1`, 'its last words\n');
    appendFileSync(log(app, 'a'), 'three, by the next backend\n');
    await logs.says(/^three, /m);
    truncateSync(log(app, 'a'));
    appendFileSync(log(app, 'a'), 'four\n');
    await logs.says(/^four$/m);
    await logs.end();
    assert.deepEqual(logs.lines(), [
      'one',
      'two, into the renamed one',
      'its last words',
      'three, by the next backend',
      'four',
    ]);
  });

  it('-f ends with the next line when nobody reads any more', async () => {
    await using app = await createQuietApp();
    writeFileSync(log(app, 'a'), 'one\n');
    const { command, says } = following(app);
    await says(/one/);
    command.process.stdout?.destroy();
    let isOver = false;
    void command.finished.then(() => {
      isOver = true;
    });
    await until('it has ended', () => {
      appendFileSync(log(app, 'a'), 'more\n');
      return isOver;
    });
    assertExit(await command.finished, 0);
  });
});

describe('reading a log', () => {
  const read = (reader: LogReader): readonly string[] => {
    const lines: string[] = [];
    reader.read((line) => lines.push(line));
    return lines;
  };

  it('finds the last lines of gigabytes from the end', async () => {
    await using dir = await tempDir();
    const path = dir.join('log');
    writeFileSync(path, '');
    truncateSync(path, 8 * 1024 ** 3); // sparse
    appendFileSync(path, Array.from({ length: 100 }, (_, index) => `\nline ${index}`).join(''));
    appendFileSync(path, '\n');
    const before = process.cpuUsage();
    const reader = new LogReader(path, 3);
    assert.deepEqual(read(reader), ['line 97', 'line 98', 'line 99']);
    const { user, system } = process.cpuUsage(before);
    assert.ok(user + system < 1_000_000, 'a second of the processor would not do for all of it');
    reader.close(() => assert.fail('everything was read'));
  });

  it('gives characters whole that were written in two halves, and lines once they end', async () => {
    await using dir = await tempDir();
    const path = dir.join('log');
    writeFileSync(path, '');
    const reader = new LogReader(path, 10);
    const text = Buffer.from('grüße 世界\n');
    for (const byte of text.subarray(0, -1)) {
      appendFileSync(path, Buffer.from([byte]));
      assert.deepEqual(read(reader), []);
    }
    appendFileSync(path, text.subarray(-1));
    assert.deepEqual(read(reader), ['grüße 世界']);
    reader.close(() => assert.fail('everything was read'));
  });

  it('begins with a file that comes only later', async () => {
    await using dir = await tempDir();
    const reader = new LogReader(dir.join('log'), 10);
    assert.deepEqual(read(reader), []);
    writeFileSync(dir.join('log'), 'first\nsecond');
    assert.deepEqual(read(reader), ['first']);
    const rest: string[] = [];
    reader.close((line) => rest.push(line));
    assert.deepEqual(rest, ['second']);
  });
});
