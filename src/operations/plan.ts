// What an `update` would do, and whether what can be checked beforehand would let it. Takes no lock and writes nothing.
import { monotonicMs } from '../core/clock.ts';
import type { HookName } from '../core/events.ts';
import { fail } from '../core/failure.ts';
import type { OperationInputs, Outcomes, PlannedStop } from '../core/outcome.ts';
import { slotToUpdate } from '../core/plan.ts';
import { otherSlot, type Slot } from '../core/slot.ts';
import { type App, msSince } from './app.ts';
import { activeHealth, isReady, observe, type Snapshot } from './observe.ts';
import { deployed } from './releases.ts';
import { isStrange, withStrangers } from './strangers.ts';

const HOOKS: readonly HookName[] = ['beforeStart', 'afterSwitch', 'afterFailure'];

/** @throws what the update would fail with, as far as that can be known now: `config`, `state-dir`, `not-executable`, … */
export async function plan(app: App, input: OperationInputs['plan']): Promise<Outcomes['plan']> {
  const startedAt = monotonicMs();
  const { system, config } = app;
  await system.check();
  const directory = await named(app, input.release ?? null);
  const now = observe(app);
  const switchFirst = await slotToSwitchToFirst(app, now);
  const active = switchFirst ?? now.active;
  const slot = slotToUpdate(await withStrangers(app, { ...now, active }));
  await system.preflight(slot, directory);
  if (now.occupants[slot] === null) await system.checkSocket(slot);
  const running = active === null ? null : now.backends[active];
  const start = await system.planStart(slot, running, directory);
  return {
    operation: 'plan',
    desired: now.desired,
    from: active,
    to: slot,
    switchFirst,
    stop: await plannedStop(app, now, slot),
    ...start,
    hooks: HOOKS.filter((hook) => config.hooks[hook] !== null),
    // There is nobody to be kept warm, or to be watched for.
    stopOld: input.stopOld && active !== null,
    watchMs: input.watchMs,
    busy: await system.lockHolder(),
    ms: msSince(startedAt),
  };
}

/** Null is what is on disk now. Of a commit there may be no worktree yet, and making one would be more than looking. */
async function named(app: App, release: string | null): Promise<string | null> {
  if (release === null) return null;
  if (app.config.release === null) return deployed(app, release);
  throw fail('usage', '--dry-run makes no worktree, so with `release: git` it cannot tell what --release would start', {
    hint: 'graceful update --dry-run, without --release',
  });
}

/** As the update does: a healthy backend is not the one to be replaced. */
async function slotToSwitchToFirst(app: App, now: Snapshot): Promise<Slot | null> {
  const { active, desired, backends } = now;
  if (active === null || desired === 'down' || (await activeHealth(app, now))?.ok) return null;
  if (await isStrange(app, now, active)) return null;
  const other = otherSlot(active);
  return (await isReady(app, backends[other])) ? other : null;
}

async function plannedStop(app: App, { occupants }: Snapshot, slot: Slot): Promise<PlannedStop | null> {
  const occupant = occupants[slot];
  if (occupant === null) return null;
  const { pid, release, cwd } = occupant;
  return { slot, pid, release, cwd, connections: await app.system.connections(occupant) };
}
