// A healthy backend behind the link again: the other slot's if that is ready, else a new one.
import { GracefulError } from '../core/failure.ts';
import type { KeepaliveAction } from '../core/outcome.ts';
import { slotToHeal } from '../core/plan.ts';
import { SLOTS, type Slot } from '../core/slot.ts';
import type { App } from './app.ts';
import { examine } from './examine.ts';
import { failOver } from './fail-over.ts';
import { makeWay } from './make-way.ts';
import { observe, type Snapshot, settle } from './observe.ts';
import { served } from './releases.ts';
import { withStrangers } from './strangers.ts';
import { renew } from './update.ts';

interface Healed {
  readonly action: KeepaliveAction;
  readonly active: Slot | null;
  /** Where it is another one than why it was to be healed. */
  readonly reason?: string;
}

/** `sick`: the instance that was found sick, if it was not dead. */
export async function heal(app: App, reason: string, sick: string | null): Promise<Healed> {
  app.emit({ type: 'warned', about: 'health', detail: reason });
  const switched = await app.exclusive(() => switchToReady(app, sick));
  if (switched !== null) return switched;
  const renewed = await renew<Healed>(
    app,
    async (snapshot) => {
      // While connections drained, another operation may have put it right.
      const finding = await examine(app, snapshot, sick);
      if (finding.action !== 'heal') return { done: { action: finding.action, active: snapshot.active } };
      const standby = SLOTS.find((slot) => slot !== snapshot.active && isStandby(app, snapshot, slot));
      if (standby !== undefined) {
        const watched = `${finding.reason}; an update watches it, and slot ${standby} is not ready to go back to yet`;
        return { done: { action: 'busy', active: snapshot.active, reason: watched } };
      }
      const slot = slotToHeal(await withStrangers(app, snapshot));
      await makeWay(app, snapshot, slot); // for good: nothing ready is left that somebody might go back from
      return { slot };
    },
    { intent: observe(app).desired, directory: () => served(app) },
  );
  return 'action' in renewed ? renewed : { action: 'started', active: renewed.to };
}

function isStandby(app: App, { backends }: Snapshot, slot: Slot): boolean {
  const backend = backends[slot];
  return backend !== null && app.system.standsBy(backend);
}

async function switchToReady(app: App, sick: string | null): Promise<Healed | null> {
  const snapshot = await settle(app);
  const finding = await examine(app, snapshot, sick);
  if (finding.action !== 'heal') return { action: finding.action, active: snapshot.active };
  try {
    const slot = await failOver(app, snapshot);
    return slot === null ? null : { action: 'switched', active: slot };
  } catch (error) {
    // Ready by itself and not through the link: then a new one is tried.
    if (error instanceof GracefulError && error.failure.code === 'verify-failed') return null;
    throw error;
  }
}
