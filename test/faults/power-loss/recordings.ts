// One recording per command: the state dir before it, and its effects.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { STRACE_ENV, straceRecording } from '../../rig/strace.ts';
import { createTestApp, type TestApp } from '../../rig/test-app.ts';
import { apply, type Disk, readDisk } from './disk.ts';
import { type Effect, effectsOf, RECORDED } from './effects.ts';

export interface Recording {
  readonly command: string;
  readonly before: Disk;
  readonly effects: readonly Effect[];
  /** Where it was recorded: what the texts say. */
  readonly dir: string;
  readonly bootId: string;
}

/** With a hook, so that its file is among the effects. */
export const OPTIONS = {
  env: { APP_ON_SIGTERM: 'exit' },
  config: { hooks: { beforeStart: ['/bin/true'] } },
} as const;

/** One after the other on one app, each from where the last one left it. */
const STORY: readonly { readonly name: string; readonly args: readonly string[]; accident?(app: TestApp): void }[] = [
  { name: 'first start', args: ['start'] },
  { name: 'update', args: ['update'] },
  { name: 'second update', args: ['update'] },
  { name: 'switch', args: ['switch'] },
  { name: 'restart', args: ['restart', 'a'] },
  { name: 'stop --inactive', args: ['stop', '--inactive'] },
  { name: 'keepalive that starts', args: ['keepalive'], accident: killActive },
  { name: 'start b', args: ['start', '--all'] },
  { name: 'keepalive that switches', args: ['keepalive'], accident: killActive },
  { name: 'stop --all', args: ['stop', '--all'] },
  { name: 'start after stop --all', args: ['start'] },
];

export async function* recordings(): AsyncGenerator<Recording> {
  await using app = await createTestApp(OPTIONS);
  const bootId = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  for (const { name, args, accident } of STORY) {
    accident?.(app);
    const before = readDisk(app.stateDir);
    const log = join(app.dir, 'strace.log');
    const run = await app.spawnGraceful(args, STRACE_ENV, straceRecording(RECORDED, log)).finished;
    assert.equal(run.code, 0, `${name}: ${run.stdout}${run.stderr}`);
    const effects = effectsOf(readFileSync(log, 'utf8'), app.stateDir);
    assertComplete(name, before, effects, readDisk(app.stateDir));
    yield { command: name, before, effects, dir: app.dir, bootId };
  }
}

/** The model, with all the effects, is what is really there; else something was missed. */
function assertComplete(name: string, before: Disk, effects: readonly Effect[], after: Disk): void {
  const modelled = effects.reduce(apply, before);
  const comparable = (disk: Disk) =>
    [...(disk ?? [])]
      .filter(([file]) => !file.endsWith('.log')) // the backend's own
      .map(([file, entry]) => [file, entry.type, entry.type === 'file' ? entry.text : ''])
      .sort();
  assert.deepEqual(comparable(modelled), comparable(after), `${name}: not all effects were recorded`);
}

function killActive(app: TestApp): void {
  const active = app.active();
  const pid = active === null ? null : app.pid(active);
  if (pid !== null) process.kill(pid, 'SIGKILL');
}
