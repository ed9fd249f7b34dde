// Whether requests are answered now.
import type { DoctorContext } from '../doctor.ts';
import { error, note, ok, type Remark } from '../finding.ts';

export function serving({ status, system }: DoctorContext): readonly Remark[] {
  const active = status.slots.find((slot) => slot.active);
  if (active?.state === 'ready') {
    const other = status.slots.find((slot) => !slot.active && slot.state === 'ready');
    const warm = other === undefined ? '' : `; slot ${other.name} is warm for a rollback`;
    return [ok(`slot ${active.name} is ready and serves: ${active.health?.detail}${warm}`)];
  }
  if (status.desired === 'down') return [note('the app was taken down on purpose', '`graceful start` brings it up')];
  const wasStarted = status.link.target !== null || status.slots.some(({ pid }) => pid !== null) || !isNew(system);
  if (!wasStarted) return [note('the app has never been started', '`graceful start`')];
  return [
    error(
      'nothing ready is serving',
      '`graceful status` shows what is wrong, `graceful keepalive` repairs what it can',
    ),
  ];
}

const isNew = (system: DoctorContext['system']): boolean =>
  system.record('a').kind === 'none' && system.record('b').kind === 'none';
