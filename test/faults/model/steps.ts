// What can happen in a story, each as a line that a person can type in the app's directory.
import assert from 'node:assert/strict';
import { type Arbitrary, type AsyncCommand, constant, constantFrom, oneof } from 'fast-check';
import type { GracefulEvent } from '../../../src/core/events.ts';
import { otherSlot, type Slot } from '../../../src/core/slot.ts';
import { until } from '../../rig/until.ts';
import * as model from './model.ts';
import { die, isServing, keepalive, type Model, recoversAtOnce, type Version } from './model.ts';
import { seenBy, type World } from './world.ts';

type Step = AsyncCommand<Model, World>;

const step = (line: string, check: (m: Model) => boolean, run: (m: Model, world: World) => Promise<void>): Step => ({
  check,
  async run(m, world) {
    await run(m, world);
    await world.assertIs(m);
  },
  toString: () => line,
});

/** A command of ours, and what it does to the model. */
const command = (words: string, predict: (m: Model) => number): Step =>
  step(
    `graceful ${words}`,
    () => true,
    async (m, world) => {
      const served = isServing(m);
      const code = predict(m);
      const run = await world.command(words.split(' '), served, () => isServing(m));
      assert.equal(run.code, code, `exit code ${run.code} instead of ${code}\n${run.stdout}${run.stderr}`);
    },
  );

const deploy = (version: Version): Step =>
  step(
    `deploy a ${version} version`,
    () => true,
    async (m, world) => {
      m.deployed = version;
      world.deploy(version);
    },
  );

const killBackend = (slot: Slot): Step =>
  step(
    `kill -KILL "$(cat run/app-${slot}.pid)"`,
    (m) => m.slots[slot] !== 'none' && (!m.supervised || recoversAtOnce(m, slot)),
    async (m, world) => {
      die(m, slot);
      await world.killBackend(slot);
    },
  );

const hang = (slot: Slot): Step =>
  step(
    `curl --unix-socket run/app-${slot}.socket -X POST http://app/hang`,
    (m) => m.slots[slot] === 'ok',
    async (m, world) => {
      m.slots[slot] = 'hung';
      await world.app.post('/hang', world.app.socket(slot));
    },
  );

const killSupervisor: Step = step(
  'kill -KILL the supervisor',
  (m) => m.supervised,
  async (m, world) => {
    m.supervised = false;
    await world.killSupervisor();
  },
);

const startSupervisor: Step = step(
  'graceful run &',
  (m) => m.host === 'supervisor' && !m.supervised && recoversAtOnce(m, null),
  async (m, world) => {
    m.supervised = true;
    keepalive(m);
    await world.startSupervisor();
  },
);

/** Whoever does the work is killed at an event; how far it had come is seen afterwards, and may be only so much. */
const killedAt = (event: GracefulEvent['type']): Step =>
  step(
    `graceful update --json, and SIGKILL to whoever does the work at ${event}`,
    (m) => m.deployed === 'good' && (isServing(m) || (m.slots.a === 'none' && m.slots.b === 'none')),
    async (m, world) => {
      const target = m.active === null ? 'a' : otherSlot(m.active);
      const led = m.active;
      const before = isServing(m) ? led : null;
      const update = world.app.spawnGraceful(['update', '--json']);
      await update.event(event);
      if (world.supervisor === null) update.process.kill('SIGKILL');
      else await world.killSupervisor();
      m.supervised = false;
      await update.finished;
      const seen = await until('the new backend is ready', async () => {
        const now = seenBy(await world.app.status());
        return now[target] === 'ok' ? now : null;
      });
      if (before !== null) assert.equal(seen[before], 'ok', `slot ${before} served, and nobody stopped it`);
      assert.ok(seen.active === led || seen.active === target, `the link leads to ${seen.active}`);
      if (m.desired === 'up') assert.equal(seen.desired, 'up');
      Object.assign(m, { desired: seen.desired, active: seen.active, slots: { a: seen.a, b: seen.b } });
    },
  );

const BOTH: readonly Slot[] = ['a', 'b'];

export const STEPS: readonly Arbitrary<Step>[] = [
  constant(command('update', model.update)),
  constant(command('keepalive', model.keepalive)),
  constantFrom(
    command('switch', (m) => model.switchTo(m, null)),
    ...BOTH.map((slot) => command(`switch ${slot}`, (m) => model.switchTo(m, slot))),
  ),
  constantFrom(
    command('start', (m) => model.start(m, [])),
    command('start --all', (m) => model.start(m, BOTH)),
    ...BOTH.map((slot) => command(`start ${slot}`, (m) => model.start(m, [slot]))),
  ),
  constantFrom(
    command('stop --inactive', model.stopInactive),
    ...BOTH.map((slot) => command(`stop ${slot}`, (m) => model.stop(m, slot))),
  ),
  constantFrom(
    command('restart --all', (m) => model.restart(m, BOTH)),
    command('restart --inactive', (m) => model.restart(m, 'inactive')),
    ...BOTH.map((slot) => command(`restart ${slot}`, (m) => model.restart(m, [slot]))),
  ),
  constant(command('stop --all', model.stopAll)),
  oneof(constant(deploy('good')), constantFrom(deploy('crashing'), deploy('never-ready'))),
  constantFrom(...BOTH.map(killBackend)),
  constantFrom(...BOTH.map(hang)),
  constantFrom(killedAt('backend-started'), killedAt('backend-ready'), killedAt('traffic-switched')),
  oneof(constant(startSupervisor), constant(startSupervisor), constant(killSupervisor)),
];
