// Files of backends that are no more. The next command clears them: they are told, so that nobody has to wonder.
import { readdirSync } from 'node:fs';
import { SLOTS } from '../../core/slot.ts';
import { isTempName } from '../../system/atomic-file.ts';
import { socketExists } from '../../system/socket-file.ts';
import type { DoctorContext } from '../doctor.ts';
import { note, ok, type Remark, warning } from '../finding.ts';

export async function leftovers({ config, system }: DoctorContext): Promise<readonly Remark[]> {
  const remarks: Remark[] = [];
  for (const slot of SLOTS) {
    const state = system.record(slot);
    const { socket, pid } = system.paths.slots[slot];
    switch (state.kind) {
      case 'alive':
        break;
      case 'dead':
        remarks.push(note(`${pid} is stale: ${state.reason}`, '`graceful keepalive` clears it'));
        break;
      case 'invalid':
      case 'unverifiable':
        remarks.push(warning(`slot ${slot}: ${state.reason}`, `\`graceful start ${slot}\` after a look at ${socket}`));
        break;
      case 'none':
        if (socketExists(socket))
          remarks.push(
            (await system.nobodyListens(slot))
              ? note(`${socket} is stale: nobody listens there`, `\`graceful start ${slot}\` replaces it`)
              : warning(`somebody who is not ours listens at ${socket}`, `fuser ${socket} shows who`),
          );
    }
  }
  const temporary = filesIn(config.stateDir).filter((file) => isTempName(file, config.name));
  if (temporary.length > 0)
    remarks.push(note(`half written by a killed process: ${temporary.join(', ')}`, 'the next operation removes it'));
  return remarks.length > 0 ? remarks : [ok('no stale files')];
}

function filesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there yet
  }
}
