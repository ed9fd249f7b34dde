// Power loss: after every prefix of what a command did to its state dir, with and without its last rename, and with data that
// had not reached the disk. Then the machine comes up: another boot id, nothing runs, sockets and pid files are stale, and
// their pids are those of strangers. The next keepalive, or supervisor, brings the app up, unless it had been taken down.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createTestApp, type TestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../../rig/test-supervisor.ts';
import { type Witness, watch } from '../kit/invariants.ts';
import { everyNth, LONG_SHARE, randomFrom } from '../kit/seed.ts';
import { desiredOf, strayFiles } from '../kit/state-files.ts';
import type { Case, Suite } from '../kit/suite.ts';
import { type Disk, type Found, foundAfter, restore, signatureOf } from './disk.ts';
import { OPTIONS, type Recording, recordings } from './recordings.ts';

type HostName = 'keepalive' | 'supervisor';
const TRIED = ['I1', 'I3', 'I5', 'I6', 'I7', 'clear'] as const;
/** Of the states of each command, so many in the short form. */
const SHORT_SHARE = 4;

export const suite: Suite = {
  name: 'power loss',
  concurrency: 3,
  async *cases(form) {
    yield caseFor('nothing', 'the state dir has gone', 'keepalive', null, null);
    yield caseFor('nothing', 'the state dir is empty', 'keepalive', new Map(), null);
    yield caseFor('nothing', 'the state dir has gone', 'supervisor', null, null);
    const seen = new Set<string>();
    for await (const recording of recordings()) {
      const states = statesOf(recording).filter(({ disk }) => {
        const signature = signatureOf(disk);
        return !seen.has(signature) && seen.add(signature);
      });
      const { command } = recording;
      const chosen = form === 'long' ? everyNth(states, LONG_SHARE, command) : sample(states, SHORT_SHARE, command);
      for (const [index, { at, how, disk }] of chosen.entries()) {
        yield caseFor(command, `${at}, ${how}`, 'keepalive', disk, recording);
        if (index % 4 === 0) yield caseFor(command, `${at}, ${how}`, 'supervisor', disk, recording);
      }
    }
  },
};

/** `at`: after which effect the power went. */
function statesOf({ before, effects }: Recording): readonly (Found & { readonly at: string })[] {
  return [...effects.keys(), effects.length].flatMap((count) => {
    const last = effects[count - 1];
    const at = last === undefined ? 'before it' : `after ${count} of ${effects.length} (${last.type} ${last.name})`;
    return foundAfter(before, effects, count).map((found) => ({ ...found, at }));
  });
}

function caseFor(command: string, name: string, host: HostName, disk: Disk, recording: Recording | null): Case {
  return {
    row: `power lost ${command === 'nothing' ? 'before anything was run' : `during ${command}`}, then ${host === 'keepalive' ? 'keepalive' : 'graceful run'}`,
    name: `${command}, ${name}, then ${host}`,
    tried: TRIED,
    async run() {
      await using app = await createTestApp({ ...OPTIONS, config: { ...OPTIONS.config, schedule: NO_SCHEDULE } });
      await using witness = await watch(app, { clients: 1, pauseMs: 50 });
      await restore(disk, app.stateDir, recording === null ? (text) => text : afterReboot(recording, app, witness));
      const desired = desiredAfter(disk);
      if (host === 'keepalive') await byKeepalive(app, witness, desired);
      else await bySupervisor(app, witness, desired);
    },
  };
}

async function byKeepalive(app: TestApp, witness: Witness, desired: 'up' | 'down'): Promise<void> {
  const run = await app.graceful('keepalive');
  assert.equal(run.code, 0, `I5: keepalive after the reboot: ${run.stdout}${run.stderr}`);
  await assertUpOrDown(app, witness, desired, run.stdout);
}

async function bySupervisor(app: TestApp, witness: Witness, desired: 'up' | 'down'): Promise<void> {
  await using supervisor = await supervise(app);
  await assertUpOrDown(app, witness, desired, supervisor.stdout());
}

async function assertUpOrDown(app: TestApp, witness: Witness, desired: 'up' | 'down', said: string): Promise<void> {
  assert.equal(desiredOf(app), desired, `I6: desired\n${said}`);
  if (desired === 'down') {
    assert.deepEqual(app.processes(), [], `I6: something was started\n${said}`);
    // When it is wanted again, nothing is in the way.
    const started = await app.graceful('start');
    assert.equal(started.code, 0, `I5: start after the reboot: ${started.stdout}${started.stderr}`);
  }
  assert.equal((await app.get('/')).status, 200, `I1: nothing serves\n${said}`);
  assert.deepEqual(strayFiles(app, true), [], `I7: stray files after the reboot\n${said}`);
  const since = Number.NEGATIVE_INFINITY;
  await witness.check({
    excuses: [{ why: 'nothing ran after the reboot', covers: 'connects', since }],
    again: ['keepalive'],
  });
}

/** Rubbish is no wish. */
function desiredAfter(disk: Disk): 'up' | 'down' {
  const entry = [...(disk ?? [])].find(([name]) => name.endsWith('.desired.json'))?.[1];
  return entry?.type === 'file' && entry.text.includes('"desired":"down"') ? 'down' : 'up';
}

/** The texts as if written here before a reboot: every pid in them is now a stranger's, with its very start time. */
function afterReboot({ dir, bootId }: Recording, app: TestApp, { strangers }: Witness): (text: string) => string {
  const boot = randomUUID();
  const [stranger = 1] = strangers;
  const ticks = startTicksOf(stranger);
  return (text) =>
    text
      .replaceAll(dir, app.dir)
      .replaceAll(bootId, boot)
      .replace(/"pid":\d+/, `"pid":${stranger}`)
      .replace(/"startTicks":"\d+"/, `"startTicks":"${ticks}"`)
      .replace(/^\d+\n$/, `${stranger}\n`);
}

function startTicksOf(pid: number): string {
  const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
  return line.slice(line.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

/** So many of them, spread evenly, beginning where the seed says. */
function sample<T>(all: readonly T[], count: number, name: string): readonly T[] {
  if (all.length <= count) return all;
  const step = all.length / count;
  const first = randomFrom(name)() * step;
  return Array.from({ length: count }, (_, index) => all[Math.floor(first + index * step) % all.length] as T);
}
