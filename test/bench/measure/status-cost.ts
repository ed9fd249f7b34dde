// What it costs to ask how things are, against a bare start of the interpreter that the command is written in.
import { createWorkplace, type Peer, untilServed } from '../peers/peer.ts';
import { type CommandCost, timeCommands } from './timed-commands.ts';

export interface StatusCost {
  readonly command: CommandCost;
  readonly floor: CommandCost;
}

export async function measureStatus(peer: Peer, runs: number): Promise<StatusCost | null> {
  await using place = await createWorkplace('close', 'fast');
  place.release(1);
  await using running = await peer.start(place);
  await untilServed(running.port, 1);
  if (running.status === undefined) return null;
  const { argv, floor } = running.status;
  const { command, bare } = (await timeCommands({
    runs,
    cwd: place.dir,
    env: place.env,
    commands: { bare: floor, command: argv },
  })) as { command: CommandCost; bare: CommandCost };
  return { command, floor: bare };
}
