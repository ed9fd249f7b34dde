// How many connections may wait to be accepted. On a unix socket the next one is refused at once (EAGAIN, a 502): unix(7).
import { readFileSync } from 'node:fs';
import { SLOTS } from '../../core/slot.ts';
import type { DoctorContext } from '../doctor.ts';
import { ok, type Remark, warning } from '../finding.ts';
import { ask } from '../run-program.ts';

/** Node asks for 511, gunicorn for 2048; a cold slot gets all the traffic in one step. */
const ENOUGH = 128;

export async function backlog({ system }: DoctorContext): Promise<readonly Remark[]> {
  const somaxconn = Number(readFileSync('/proc/sys/net/core/somaxconn', 'utf8'));
  const remarks: Remark[] = [];
  if (somaxconn < ENOUGH)
    remarks.push(
      warning(`the kernel lets ${somaxconn} connections wait at a socket`, 'sysctl -w net.core.somaxconn=4096'),
    );
  const listeners = await ask('ss', ['-xlnH']);
  for (const slot of SLOTS) {
    const { socket } = system.paths.slots[slot];
    const length = listeners.stdout
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .find((fields) => fields[4] === socket)?.[3];
    if (length !== undefined && Number(length) < Math.min(ENOUGH, somaxconn))
      remarks.push(
        warning(
          `the backend in slot ${slot} lets only ${length} connections wait: a burst right after a switch is refused (EAGAIN, 502)`,
          `a longer backlog in the app's server: its listen() says ${length}`,
        ),
      );
  }
  return remarks.length > 0 ? remarks : [ok(`up to ${somaxconn} connections may wait at a socket`)];
}
