// The real thing: a disk that is full, a limit of open files that is reached, an output that takes nothing.
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync, readdirSync, rmSync, writeSync } from 'node:fs';
import { inRepo } from '../../rig/paths.ts';
import type { TestApp } from '../../rig/test-app.ts';
import { watch } from '../kit/invariants.ts';
import type { Case } from '../kit/suite.ts';
import type { TriedCommand } from './commands.ts';
import { APP } from './injected.ts';
import { assertSound } from './sound.ts';
import { type HostName, openHosted } from './tracers.ts';

const TRIED = ['I1', 'I2', 'I3', 'I5', 'I6', 'I7', 'clear'] as const;
export const FULL_OF = ['bytes', 'inodes'] as const;
type Scarce = (typeof FULL_OF)[number];

/** The state dir is a file system of its own, on which nothing is left. */
export const fullDisk = (command: TriedCommand, host: HostName, scarce: Scarce): Case => ({
  row: `every command, ${host}: no ${scarce} left on the disk of the state dir`,
  name: `${command.name}, ${host}: no ${scarce} left on the disk`,
  tried: TRIED,
  async run() {
    await using hosted = await openHosted(host, { ...APP, beforeStart: ({ stateDir }) => mount(stateDir) });
    using _ = mounted(hosted.app.stateDir); // before the directory below it is removed
    const { app } = hosted;
    await command.prepare(app);
    const before = app.active() === null ? null : (await app.get('/')).version;
    app.deploy('2', APP.env);
    await using witness = await watch(app, { clients: 1 });
    const accident = command.accident?.(app) ?? null;
    const free = fill(app, scarce);
    const run = await app.graceful(...command.args);
    free();
    await assertSound(command, hosted, { run, before, witness, what: `${host} no ${scarce} left`, accident });
  },
});

function mount(path: string): void {
  mkdirSync(path, { recursive: true, mode: 0o750 });
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=128k,nr_inodes=64,mode=0750', 'tmpfs', path]);
}

const mounted = (path: string): Disposable => ({
  // Away from here at once; backends still have files open there.
  [Symbol.dispose]: () => void execFileSync('umount', ['--lazy', path]),
});

/** Returns how to free what was taken. */
function fill({ stateDir }: TestApp, scarce: Scarce): () => void {
  const files: string[] = [];
  const take = (name: string, deed: (file: number) => void): void => {
    const path = `${stateDir}/${name}`;
    const file = openSync(path, 'w');
    files.push(path);
    try {
      deed(file);
    } finally {
      closeSync(file);
    }
  };
  try {
    if (scarce === 'bytes')
      take('filler', (file) => {
        for (;;) writeSync(file, Buffer.alloc(512));
      });
    for (let number = 0; ; number += 1) take(`filler-${number}`, () => undefined);
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'ENOSPC');
  }
  return () => {
    for (const path of files) rmSync(path, { force: true });
  };
}

/** So few open files are allowed, that the command runs out of them somewhere. */
export const fewFiles = (command: TriedCommand, host: HostName, more: number): Case => ({
  row: `every command, ${host}: no more open files allowed`,
  name: `${command.name}, ${host}: ${more} open files more than it has`,
  tried: TRIED,
  async run() {
    await using hosted = await openHosted(host, APP);
    const { app, supervisor } = hosted;
    await command.prepare(app);
    const before = app.active() === null ? null : (await app.get('/')).version;
    app.deploy('2', APP.env);
    await using witness = await watch(app, { clients: 1 });
    const accident = command.accident?.(app) ?? null;
    const limit = (supervisor === null ? fewestFiles() : openFilesOf(supervisor.pid)) + more;
    let run: Awaited<ReturnType<TestApp['graceful']>>;
    if (supervisor === null) {
      const wrapper = ['prlimit', `--nofile=${limit}`];
      run = await app.spawnGraceful([...command.args, '--json'], {}, wrapper).finished;
    } else {
      execFileSync('prlimit', ['--pid', String(supervisor.pid), `--nofile=${limit}:`]);
      run = await app.graceful(...command.args);
      execFileSync('prlimit', ['--pid', String(supervisor.pid), '--nofile=1024:']);
    }
    await assertSound(command, hosted, {
      run,
      before,
      witness,
      what: `${host} ${more} open files more`,
      how: `${limit} open files`,
      accident,
    });
  },
});

const openFilesOf = (pid: number): number => Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)) + 1;

const SMALLEST = 'require(process.argv[1])';
let fewest: number | null = null;

/** With fewer, Node itself cannot read a program. */
function fewestFiles(): number {
  const starts = (files: number): boolean =>
    spawnSync('prlimit', [`--nofile=${files}`, process.execPath, '-e', SMALLEST, inRepo('package.json')]).status === 0;
  for (fewest ??= 10; !starts(fewest); ) fewest += 1;
  return fewest;
}

/** Nothing that the command says is taken; what it does is done. */
export const fullOutput = (command: TriedCommand): Case => ({
  row: 'every command, one-shot: its output is a full disk',
  name: `${command.name}: its output is a full disk`,
  tried: TRIED,
  async run() {
    await using hosted = await openHosted('one-shot', APP);
    const { app } = hosted;
    await command.prepare(app);
    const before = app.active() === null ? null : (await app.get('/')).version;
    app.deploy('2', APP.env);
    await using witness = await watch(app, { clients: 1 });
    const accident = command.accident?.(app) ?? null;
    const wrapper = ['/bin/sh', '-c', 'exec "$@" > /dev/full', 'sh'];
    const run = await app.spawnGraceful(command.args, {}, wrapper).finished;
    assert.equal(run.code, 0, run.stderr);
    await assertSound(command, hosted, {
      run: { ...run, stderr: '' },
      before,
      witness,
      what: 'output to /dev/full',
      accident,
    });
  },
});
