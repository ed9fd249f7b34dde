// The instant rollback (or forward): traffic to the other slot, if that is ready.
import { monotonicMs } from '../core/clock.ts';
import { fail } from '../core/failure.ts';
import type { OperationInputs, Outcomes } from '../core/outcome.ts';
import { otherSlot, SLOTS, type Slot } from '../core/slot.ts';
import { type App, msSince } from './app.ts';
import { assertStillWanted } from './intent.ts';
import { moveTraffic } from './move-traffic.ts';
import { isReady, observe, type Snapshot, settle } from './observe.ts';

/**
 * @throws `slot-not-ready`: traffic moves only to a backend that answers its health check; `superseded` when the app was
 * taken down while this waited for the lock.
 */
export async function switchTo(app: App, input: OperationInputs['switch']): Promise<Outcomes['switch']> {
  const startedAt = monotonicMs();
  const intent = observe(app).desired;
  return app.exclusive(async () => {
    const snapshot = await settle(app);
    assertStillWanted(intent, snapshot);
    const from = snapshot.active;
    const to = input.slot ?? (await slotToSwitchTo(app, snapshot));
    const backend = snapshot.backends[to];
    if (backend === null) throw refuse(to, 'stopped', 'nothing is running there');
    if (backend.stoppingAt !== null) throw refuse(to, 'stopping', 'it was told to stop');
    const health = await app.system.probe(backend, 'socket', app.signal);
    if (!health.ok) throw refuse(to, 'unready', health.detail);
    const changed = from !== to;
    if (changed) await moveTraffic(app, snapshot, { backend });
    return { operation: 'switch', from, to, changed, ms: msSince(startedAt) };
  });
}

/** The other one; with nothing active, the first that is ready. */
async function slotToSwitchTo(app: App, { active, backends }: Snapshot): Promise<Slot> {
  if (active !== null) return otherSlot(active);
  for (const slot of SLOTS) if (await isReady(app, backends[slot])) return slot;
  throw fail('not-serving', 'nothing is active, and no slot is ready to switch to', { reason: 'no slot is ready' });
}

const refuse = (slot: Slot, state: string, detail: string) =>
  fail('slot-not-ready', `slot ${slot} is ${state} (${detail}); traffic stays where it is`, { slot, state, detail });
