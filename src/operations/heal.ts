// A healthy backend behind the link again: the other slot's if that is ready, else a new one.
import type { KeepaliveAction } from '../core/outcome.ts';
import { SLOTS, type Slot } from '../core/slot.ts';
import type { App } from './app.ts';
import { examine } from './keepalive.ts';
import { moveTraffic } from './move-traffic.ts';
import { isReady, type Snapshot, settle } from './observe.ts';
import { renew, slotToUpdate } from './update.ts';

interface Healed {
  readonly action: KeepaliveAction;
  readonly active: Slot | null;
}

export async function heal(app: App, reason: string): Promise<Healed> {
  app.emit({ type: 'warned', about: 'health', detail: reason });
  const switched = await app.exclusive(() => switchToReady(app));
  if (switched !== null) return switched;
  const renewed = await renew<Healed>(app, async (snapshot) => {
    // While connections drained, another operation may have put it right.
    const finding = await examine(app, snapshot);
    return finding.action === 'heal'
      ? { slot: slotToUpdate(snapshot) }
      : { done: { action: finding.action, active: snapshot.active } };
  });
  return 'action' in renewed ? renewed : { action: 'started', active: renewed.to };
}

/** At once, if another slot is ready: the fastest way back. */
async function switchToReady(app: App): Promise<Healed | null> {
  const snapshot = await settle(app);
  const finding = await examine(app, snapshot);
  if (finding.action !== 'heal') return { action: finding.action, active: snapshot.active };
  for (const slot of standbys(snapshot)) {
    const backend = snapshot.backends[slot];
    if (backend === null || !(await isReady(app, backend))) continue;
    await moveTraffic(app, snapshot, { backend });
    return { action: 'switched', active: slot };
  }
  return null;
}

const standbys = ({ active }: Snapshot): readonly Slot[] => SLOTS.filter((slot) => slot !== active);
