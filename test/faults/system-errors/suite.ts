// Errors from the system: the calls of every command fail, one after the other, on both hosts; disks are full for real, and
// open files run out.
import { LONG_SHARE, randomFrom } from '../kit/seed.ts';
import type { Case, Form, Suite } from '../kit/suite.ts';
import type { PlacedFault } from './calls.ts';
import { COMMANDS, type TriedCommand } from './commands.ts';
import { caseFor, faultsFor } from './injected.ts';
import { FULL_OF, fewFiles, fullDisk, fullOutput } from './limits.ts';
import type { HostName } from './tracers.ts';

/** Every command on each host; `status` asks nobody. */
const PAIRS = COMMANDS.flatMap((command) =>
  (['one-shot', 'supervised'] as const)
    .filter((host) => host === 'one-shot' || command.name !== 'status')
    .map((host) => ({ command, host })),
);

/** Calls that fail, of each command on each host. */
const FAULTS = { short: 2, long: Math.ceil(30 / LONG_SHARE) } as const;
/** Every so manieth of the other cases. */
const EVERY = { short: 12, long: LONG_SHARE } as const;
const FILES_MORE = [0, 1, 2, 3, 4, 5, 6, 8, 10, 12];

export const suite: Suite = {
  name: 'system errors',
  concurrency: 3,
  async *cases(form) {
    yield* real(form);
    // The next command is recorded while the cases of this one run.
    const record = (index: number): Promise<readonly PlacedFault[]> | null => {
      const pair = PAIRS[index];
      const recorded = pair === undefined ? null : faultsFor(pair.command, pair.host);
      recorded?.catch(() => undefined); // told when it is needed
      return recorded;
    };
    let next = record(0);
    for (const [index, { command, host }] of PAIRS.entries()) {
      const faults = (await next) ?? [];
      next = record(index + 1);
      for (const fault of choose(faults, FAULTS[form], `${command.name} ${host}`)) yield caseFor(command, host, fault);
    }
  },
};

function* real(form: Form): Generator<Case> {
  const kinds: ((command: TriedCommand, host: HostName) => readonly Case[])[] = [
    (command, host) => FULL_OF.map((scarce) => fullDisk(command, host, scarce)),
    (command, host) => FILES_MORE.map((more) => fewFiles(command, host, more)),
    (command, host) => (host === 'one-shot' ? [fullOutput(command)] : []),
  ];
  for (const [number, kind] of kinds.entries()) {
    const cases = PAIRS.flatMap(({ command, host }) => kind(command, host));
    const step = number === 1 ? EVERY[form] * 2 : EVERY[form];
    const first = Math.floor(randomFrom(`real ${number}`)() * step);
    yield* cases.filter((_, index) => index % step === first);
  }
}

/** So many of them, of each call as many as of every other; which ones, the seed says. */
function choose(all: readonly PlacedFault[], count: number, name: string): readonly PlacedFault[] {
  const random = randomFrom(name);
  const ranked = all.map((fault) => ({ fault, rank: random() })).sort((a, b) => a.rank - b.rank);
  const turns = new Map<string, number>();
  return ranked
    .map(({ fault, rank }) => {
      const turn = (turns.get(fault.call) ?? 0) + 1;
      turns.set(fault.call, turn);
      return { fault, turn, rank };
    })
    .sort((a, b) => a.turn - b.turn || a.rank - b.rank)
    .slice(0, count)
    .map(({ fault }) => fault);
}
