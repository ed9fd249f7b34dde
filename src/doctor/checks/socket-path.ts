// sun_path of unix(7) holds 107 bytes: a longer path is refused when the configuration is read.
import { SLOTS } from '../../core/slot.ts';
import type { DoctorContext } from '../doctor.ts';
import { ok, type Remark } from '../finding.ts';

const LIMIT = 107;

export function socketPath({ system }: DoctorContext): readonly Remark[] {
  const longest = Math.max(...SLOTS.map((slot) => Buffer.byteLength(system.paths.slots[slot].socket)));
  return [ok(`the longest socket path has ${longest} of ${LIMIT} bytes`)];
}
