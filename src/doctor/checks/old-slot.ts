// After a switch: connections that stay with the old slot while the new one gets others are kept by the proxy.
import { monotonicMs } from '../../core/clock.ts';
import { SLOTS, type Slot } from '../../core/slot.ts';
import { delay } from '../../system/delay.ts';
import { readSocketTables, rowsNamed } from '../../system/socket-table.ts';
import type { DoctorContext } from '../doctor.ts';
import { note, ok, type Remark, warning } from '../finding.ts';

/** Longer than most requests take. */
const WATCH_MS = 2_000;
const LOOK_EVERY_MS = 20;
const ACCEPTED = '03';

export async function oldSlot({ status, system }: DoctorContext): Promise<readonly Remark[]> {
  const active = status.active;
  const old = SLOTS.find(
    (slot) => slot !== active && status.slots.some(({ name, pid }) => name === slot && pid !== null),
  );
  if (active === null || old === undefined) return [];
  const before = { old: acceptedAt(system, old), active: acceptedAt(system, active) };
  if (before.old.size === 0) return [ok(`nobody is connected to slot ${old} any more`)];
  const isFed = await getsNewOnes(system, active, before.active);
  const stayed = [...acceptedAt(system, old)].filter((inode) => before.old.has(inode)).length;
  if (stayed === 0) return [ok(`slot ${old} is emptying`)];
  const since = system.link.read().since;
  const age = since === null ? '' : `, ${Math.round((Date.now() - since) / 1_000)} s after the switch`;
  const what = `${stayed} connection${stayed === 1 ? '' : 's'} stayed with slot ${old} for ${WATCH_MS / 1_000} s${age}`;
  return [
    isFed
      ? warning(
          `${what} while slot ${active} gets new ones: the proxy keeps connections, or they are long requests or WebSockets`,
          'docs/nginx.md: kept connections stick to the old slot',
        )
      : note(`${what}: long requests, or WebSockets`),
  ];
}

/** Looks again and again for the whole time: most connections are short. */
async function getsNewOnes(system: DoctorContext['system'], slot: Slot, before: ReadonlySet<string>): Promise<boolean> {
  const until = monotonicMs() + WATCH_MS;
  let isFed = false;
  while (monotonicMs() < until) {
    isFed ||= [...acceptedAt(system, slot)].some((inode) => !before.has(inode));
    await delay(LOOK_EVERY_MS);
  }
  return isFed;
}

/** The kernel's numbers of the connections that were accepted at a slot's socket. */
const acceptedAt = (system: DoctorContext['system'], slot: Slot): ReadonlySet<string> =>
  new Set(
    (readSocketTables(process.pid) ?? [])
      .flatMap((table) => rowsNamed(table, system.paths.slots[slot].socket))
      .filter(({ state, isListening }) => state === ACCEPTED && !isListening)
      .map(({ inode }) => inode),
  );
