// Input that nobody would write: never a stack trace, a hang, a crash of the supervisor, a changed link or a signalled process.
import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { constantFrom, tuple } from 'fast-check';
import { parseCommandLine } from '../../../src/cli/parse.ts';
import { controlOf } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import type { Case, Form, Suite } from '../kit/suite.ts';
import { commandLine, file, generate, rubbish } from './generate.ts';
import { inProcess } from './in-process.ts';
import { oneWrongValue } from './one-wrong-value.ts';
import { make, noise, open } from './socket.ts';
import { Stage } from './stage.ts';

/** How many of each kind. */
const COUNTS: Readonly<Record<Form, { readonly pure: number; readonly started: number; readonly noise: number }>> = {
  short: { pure: 700, started: 70, noise: 150 },
  long: { pure: 3_000, started: 700, noise: 1_500 },
};
const AT_ONCE = 1_000;
/** Fewer than wait at a listening socket. */
const OPENED_TOGETHER = 100;
const ALL_OPEN_MS = 120_000;
const LAST_CASES_MS = 300_000;

export const suite: Suite = {
  name: 'bad input',
  concurrency: 3,
  async *cases(form: Form): AsyncIterable<Case> {
    const { pure, started, noise: noises } = COUNTS[form];
    yield* inProcess(pure);
    yield* oneWrongValue(form);
    const running = new Set<Case>();
    /** The stage is not taken away under a case that is still on it. */
    const on = (stage: Stage, row: string, name: string, deed: () => Promise<unknown>): Case => {
      const one: Case = {
        row,
        name: `bad input: ${name}`,
        tried: ['I1', 'I2', 'I3', 'clear'],
        async run() {
          running.add(one);
          try {
            await deed();
            await stage.assertUntouched();
          } finally {
            running.delete(one);
          }
        },
      };
      return one;
    };
    const over = async (): Promise<unknown> => {
      await setImmediate(); // whoever took the last case has begun it
      return until('the last cases are over', () => running.size === 0, LAST_CASES_MS);
    };
    await using alone = await Stage.open('one-shot');
    yield* configurations(alone, started, on);
    yield* commandLines(alone, started, on);
    yield* stateFiles(alone, started, on);
    await over();

    await using served = await Stage.open('supervisor');
    for (const [index, some] of generate(noise, noises, 'noise').entries())
      yield on(served, 'what is no request, at the control socket', `noise ${index}: ${some.what}`, () =>
        make(some, controlOf(served.app)),
      );
    await over();
    yield on(served, `${AT_ONCE} connections at once, at the control socket`, 'many connections', () => many(served));
    await over();
  },
};

type On = (stage: Stage, row: string, name: string, deed: () => Promise<unknown>) => Case;

function* configurations(stage: Stage, count: number, on: On): Iterable<Case> {
  for (const [index, { name, content }] of generate(file, count, 'files').entries())
    yield on(stage, 'a configuration file, through the real command', `file ${index}: ${name}`, async () => {
      const dir = join(stage.app.dir, `file-${index}`);
      mkdirSync(dir);
      writeFileSync(join(dir, name), content);
      const run = await stage.graceful(['-c', join(dir, name), 'status']);
      // 3: it was right after all, and nothing serves.
      assert.ok([0, 2, 3].includes(run.code ?? -1), `exit code ${run.code}\n${run.stdout}${run.stderr}`);
      rmSync(dir, { recursive: true });
    });
}

/** What makes sense is left out: it would do what it says. */
async function* commandLines(stage: Stage, count: number, on: On): AsyncIterable<Case> {
  for (const [index, argv] of generate(commandLine, count, 'command lines that are run').entries()) {
    const makesSense = await parseCommandLine(argv).then(
      () => true,
      () => false,
    );
    if (makesSense) continue;
    yield on(stage, 'a command line that makes no sense, through the real command', `run ${index}`, async () => {
      const run = await stage.graceful(argv);
      assert.equal(run.code, 2, `${JSON.stringify(argv)}: exit code ${run.code}\n${run.stdout}${run.stderr}`);
    });
  }
}

const FILES = [
  'app-b.pid',
  'app-b.backend.json',
  'app.lock-holder.json',
  'app.desired.json',
  'app.hook.json',
  'app.control',
  '.app.0123456789ab.tmp',
];
const COMMANDS = [['status'], ['keepalive'], ['stop', '--inactive'], ['switch', 'b'], ['stop', 'b']];

function* stateFiles(stage: Stage, count: number, on: On): Iterable<Case> {
  const damage = tuple(constantFrom(...FILES), rubbish, constantFrom(...COMMANDS), constantFrom(true, false));
  // One state dir: they take turns.
  let turn: Promise<unknown> = Promise.resolve();
  for (const [index, [name, content, command, locked]] of generate(damage, count, 'state files').entries())
    yield on(stage, 'rubbish in a state file or a lock, through the real command', `state ${index}: ${name}`, () => {
      const mine = turn.then(async () => {
        const path = stage.app.file(name);
        if (locked) mkdirSync(stage.app.file('app.lock'), { recursive: true });
        // The pid of a process that is not ours, too.
        writeFileSync(path, index % 3 === 0 ? withPid(name, stage.strangers.pids[index % 2] ?? 1) : content);
        try {
          const run = await stage.graceful(command);
          assert.ok([0, 1, 2].includes(run.code ?? -1), `exit code ${run.code}\n${run.stdout}${run.stderr}`);
        } finally {
          rmSync(path, { force: true });
          rmSync(stage.app.file('app.lock'), { recursive: true, force: true });
        }
      });
      turn = mine.catch(() => undefined);
      return mine;
    });
}

const withPid = (name: string, pid: number): string =>
  name.endsWith('.pid')
    ? `${pid}\n`
    : JSON.stringify({ pid, startTicks: '1', bootId: 'x', instance: 'x', slot: 'b', operation: 'update' });

/** All of them open at the same moment and silent, which the supervisor's descriptors show; then one that asks. */
async function many(stage: Stage): Promise<void> {
  const before = stage.openDescriptors();
  let sockets: readonly Socket[] = [];
  try {
    await until(
      `${AT_ONCE} connections are open at once`,
      async () => {
        // Those that were silent for too long are closed while the others are still being opened.
        sockets = sockets.filter(({ closed, destroyed }) => !closed && !destroyed);
        const missing = Math.min(AT_ONCE - sockets.length, OPENED_TOGETHER);
        const opened = await Promise.all(
          Array.from({ length: missing }, () => open(controlOf(stage.app)).catch(() => null)),
        );
        sockets = [...sockets, ...opened.filter((socket) => socket !== null)];
        return sockets.length === AT_ONCE && stage.openDescriptors() >= before + AT_ONCE;
      },
      ALL_OPEN_MS,
    );
    for (const socket of sockets) socket.write('GET /status HT');
    await stage.graceful(['status']);
  } finally {
    for (const socket of sockets) socket.destroy();
  }
}
