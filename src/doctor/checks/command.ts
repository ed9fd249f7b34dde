// Whether the backend can be started at all: the program, its directory, its environment files.
import { GracefulError } from '../../core/failure.ts';
import { SLOTS } from '../../core/slot.ts';
import type { DoctorContext } from '../doctor.ts';
import { error, note, ok, type Remark } from '../finding.ts';

export async function command({ config, system }: DoctorContext): Promise<readonly Remark[]> {
  try {
    for (const slot of SLOTS) await system.preflight(slot, null);
  } catch (thrown) {
    const { message } = GracefulError.from(thrown);
    return [error(message, 'change command, cwd or envFile in the configuration, or the file that it names')];
  }
  const found = ok(`the backend's program and directory are there: ${config.command[0]}`);
  if (config.health.checks.some(({ type }) => type !== 'connect')) return [found];
  return [
    found,
    note(
      'the health check only sees that the backend accepts connections, not that it answers',
      'health: { type: http, path: /healthz } lets traffic move only to a version that answers',
    ),
  ];
}
