// A healthy backend behind the link again: the other slot's if that is ready, else a new one.
import type { KeepaliveAction } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import type { App } from './app.ts';
import { failOver } from './fail-over.ts';
import { examine } from './keepalive.ts';
import { settle } from './observe.ts';
import { renew, slotToUpdate } from './update.ts';

interface Healed {
  readonly action: KeepaliveAction;
  readonly active: Slot | null;
}

/** `sick`: the instance that was found sick, if it was not dead. */
export async function heal(app: App, reason: string, sick: string | null): Promise<Healed> {
  app.emit({ type: 'warned', about: 'health', detail: reason });
  const switched = await app.exclusive(() => switchToReady(app, sick));
  if (switched !== null) return switched;
  const renewed = await renew<Healed>(app, async (snapshot) => {
    // While connections drained, another operation may have put it right.
    const finding = await examine(app, snapshot, sick);
    return finding.action === 'heal'
      ? { slot: slotToUpdate(snapshot) }
      : { done: { action: finding.action, active: snapshot.active } };
  });
  return 'action' in renewed ? renewed : { action: 'started', active: renewed.to };
}

async function switchToReady(app: App, sick: string | null): Promise<Healed | null> {
  const snapshot = await settle(app);
  const finding = await examine(app, snapshot, sick);
  if (finding.action !== 'heal') return { action: finding.action, active: snapshot.active };
  const slot = await failOver(app, snapshot);
  return slot === null ? null : { action: 'switched', active: slot };
}
