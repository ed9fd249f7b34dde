// What cron calls every minute, and what the supervisor calls when something dies: see that a healthy backend is active.
import { monotonicMs } from '../core/clock.ts';
import { GracefulError } from '../core/failure.ts';
import type { KeepaliveAction, OperationInputs, Outcomes } from '../core/outcome.ts';
import type { Slot } from '../core/slot.ts';
import { type App, msSince } from './app.ts';
import { examine } from './examine.ts';
import { observe } from './observe.ts';

/** Healthy is the normal case: it takes no lock, writes nothing, and loads nothing that healing would need. */
export async function keepalive(app: App, _input: OperationInputs['keepalive']): Promise<Outcomes['keepalive']> {
  const startedAt = monotonicMs();
  const snapshot = observe(app);
  const done = (action: KeepaliveAction, active: Slot | null, reason: string): Outcomes['keepalive'] => ({
    operation: 'keepalive',
    action,
    active,
    reason,
    ms: msSince(startedAt),
  });

  const finding = await examine(app, snapshot);
  if (finding.action === 'none') return done('none', snapshot.active, 'the active backend is healthy');
  if (finding.action === 'left-down') return done('left-down', snapshot.active, 'the app was stopped on purpose');
  try {
    const { heal } = await import('./heal.ts');
    const healed = await heal(app, finding.reason, finding.sick);
    return done(healed.action, healed.active, healed.reason ?? finding.reason);
  } catch (error) {
    // Whoever holds the lock is at work on this app, and the next call comes within a minute.
    if (error instanceof GracefulError && error.failure.code === 'busy')
      return done('busy', snapshot.active, error.failure.message);
    throw error;
  }
}
