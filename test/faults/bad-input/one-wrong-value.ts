// A state file as graceful wrote it, one value of it wrong, of the app that serves: each command is told about or puts up
// with it, no request is lost, and the next command converges.
import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { readRecord, writeRecord } from '../../../src/system/backend-record.ts';
import { openDesired } from '../../../src/system/desired.ts';
import { withStandby } from '../../../src/system/standby.ts';
import { statePaths } from '../../../src/system/state-paths.ts';
import { environmentOf } from '../../rig/processes.ts';
import { createTestApp, type Run, type TestApp } from '../../rig/test-app.ts';
import { NO_SCHEDULE, supervise } from '../../rig/test-supervisor.ts';
import { until } from '../../rig/until.ts';
import { assertClear } from '../kit/clear.ts';
import { type Witness, watch } from '../kit/invariants.ts';
import { LONG_SHARE, randomFrom } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';
import { type Damage, damagesOf } from './wrong-values.ts';

const FILES = [
  'app-a.backend.json',
  'app-b.backend.json',
  'app.versions.json',
  'app.history.jsonl',
  'app.desired.json',
  'app.hook.json',
  'app.lock-holder.json',
] as const;
type File = (typeof FILES)[number];

const COMMANDS = [
  ['status'],
  ['history'],
  ['keepalive'],
  ['update'],
  ['update', '--dry-run'],
  ['restart', 'b'],
  ['restart', '--inactive'],
  ['rollback'],
  ['switch'],
  ['stop', '--inactive'],
  ['doctor'],
  // A supervisor takes over.
  ['run'],
] as const;

/** What says whom the record names: with any of it wrong nobody may be signalled on its word, and nobody is. */
const IDENTITY = /^\(all of it\)|^(pid|startTicks|bootId|pidNamespace|instance|slot|stateDir)\b/;

/** 3: nothing serves; 4: a lock of another pid namespace is believed for a while. */
const CODES = [0, 1, 3, 4];

const COUNT: Readonly<Record<Form, number>> = { short: 10, long: Math.ceil(400 / LONG_SHARE) };

export function* oneWrongValue(form: Form): Iterable<Case> {
  const random = randomFrom('one wrong value');
  const pick = <T>(all: readonly T[]): T => all[Math.floor(random() * all.length)] as T;
  for (let index = 0; index < COUNT[form]; index += 1) {
    const file = FILES[index % FILES.length] as File;
    const command = pick(COMMANDS);
    const [field, value] = [random(), random()];
    yield {
      row: 'one wrong value in a state file of the app that serves, through the real command',
      name: `bad input: value ${index}, ${file}: ${command.join(' ')}`,
      tried: ['I1', 'I2', 'I3', 'I5', 'I7', 'clear'],
      run: () => tryOne(file, command, (all) => choose(all, field, value)),
    };
  }
}

/** A field first: those of a long list of versions are not to be tried more than the others. */
function choose(all: readonly Damage[], field: number, value: number): Damage {
  const fields = [...new Set(all.map((damage) => damage.field))];
  const ofField = all.filter((damage) => damage.field === fields[Math.floor(field * fields.length)]);
  return ofField[Math.floor(value * ofField.length)] ?? assert.fail('no field');
}

async function tryOne(file: File, command: readonly string[], pick: (all: readonly Damage[]) => Damage): Promise<void> {
  await using app = await serving();
  const { text, what, field } = pick(damagesOf(`${app.dir}/as-written/${file}`));
  await using witness = await watch(app, { clients: 1, pauseMs: 20 });
  if (file === 'app.lock-holder.json') mkdirSync(app.file('app.lock'));
  writeFileSync(app.file(file), text);
  // A lock that nobody has touched for long: whoever held it in another pid namespace has gone.
  if (file === 'app.lock-holder.json') utimesSync(app.file('app.lock'), new Date(0), new Date(0));
  try {
    const told = [...(await give(app, command)).events];
    const uncertain = file.endsWith('.backend.json') && IDENTITY.test(field);
    told.push(...(uncertain ? await withoutWhomNobodyKnows(app, witness) : await converge(app)));
    // The checks read it as JSON with an object in it.
    if (file === 'app.desired.json') openDesired(app.file(file)).write('up', 'start');
    await witness.check({ told, again: ['update'] });
    await app.succeed('stop', '--all');
    await until('I7: all have gone', () => app.processes().length === 0);
  } catch (error) {
    throw new Error(`${file}: ${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

/** Both slots are warm, b serves; the files that are there only during an operation are kept, too. */
async function serving(): Promise<TestApp> {
  const app = await createTestApp({ config: { schedule: NO_SCHEDULE }, env: { APP_ON_SIGTERM: 'exit' } });
  const keep = ['/bin/sh', '-c', 'mkdir -p as-written; cp run/*.json as-written/'];
  app.configure({ hooks: { beforeStart: keep } });
  await app.succeed('start');
  await app.succeed('update');
  app.configure({ hooks: {} });
  const paths = statePaths(app.stateDir, app.name);
  const state = readRecord(paths.slots.a, 'a', app.stateDir);
  if (state.kind !== 'alive') assert.fail(`slot a: ${state.kind}`);
  writeRecord(paths.slots.a, withStandby(state.record, 1));
  openDesired(paths.desired).write('up', 'start');
  for (const path of [paths.slots.a.backend, paths.slots.b.backend, paths.versions, paths.history, paths.desired])
    writeFileSync(path.replace(app.stateDir, `${app.dir}/as-written`), readFileSync(path));
  return app;
}

async function give(app: TestApp, command: readonly string[]): Promise<Pick<Run, 'events'>> {
  if (command[0] === 'run') {
    await using supervisor = await supervise(app);
    await supervisor.begun;
    return { events: [] };
  }
  const run = await app.graceful(...command);
  assertClear(run);
  const said = `${run.stdout}${run.stderr}`;
  assert.ok(CODES.includes(run.code ?? -1), `clear: \`${command.join(' ')}\` ended with ${run.code}\n${said}`);
  return run;
}

/** A command that was refused once because of what it found finds it mended. */
async function converge(app: TestApp): Promise<Run['events']> {
  const { events } = await app.succeed('update');
  return events;
}

/**
 * A backend whose record says nothing certain is never signalled: `socket-in-use` says who is in the way once its slot is
 * needed. Whoever reads that ends it, when traffic has left it.
 */
async function withoutWhomNobodyKnows(app: TestApp, witness: Witness): Promise<Run['events']> {
  const told: Run['events'][number][] = [];
  for (const command of [['update'], ['update']]) {
    const run = await app.graceful(...command);
    assertClear(run);
    if (run.code !== 0) assert.equal(run.failure?.code, 'socket-in-use', `I5: ${run.stdout}${run.stderr}`);
    told.push(...run.events);
  }
  assert.deepEqual(witness.lost, [], 'I2');
  const known = ['a', 'b'].map((slot) => {
    const state = readRecord(statePaths(app.stateDir, app.name).slots[slot as 'a'], slot as 'a', app.stateDir);
    return state.kind === 'alive' ? state.record.instance : null;
  });
  for (const pid of app.processes()) {
    const { GRACEFUL_INSTANCE: instance, GRACEFUL_SLOT: slot } = environmentOf(pid);
    if (instance === undefined || known.includes(instance)) continue;
    assert.notEqual(slot, app.active(), 'I1: traffic is still where nobody knows who serves');
    process.kill(pid, 'SIGKILL');
  }
  return told;
}
