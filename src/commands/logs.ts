// `graceful logs`: the end of the slots' logs, and what comes after it, over switches and rotation.
import { statSync } from 'node:fs';
import pc from 'picocolors';
import type { Invocation } from '../cli/invocation.ts';
import { type Output, type OutputStream, outputTo } from '../cli/output.ts';
import { printable } from '../cli/text.ts';
import type { Config } from '../core/config.ts';
import { type PerSlot, perSlot, SLOTS, type Slot } from '../core/slot.ts';
import { openLink } from '../system/link.ts';
import { LogReader } from '../system/log-reader.ts';
import { watchLogs } from '../system/log-watch.ts';
import { type StatePaths, statePaths } from '../system/state-paths.ts';
import type { Surroundings } from './surroundings.ts';

type Asked = Pick<Extract<Invocation, { kind: 'logs' }>, 'what' | 'follow' | 'lines'>;

interface LogsOptions extends Asked {
  readonly json: boolean;
  readonly colour: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  /** Ends the following. */
  readonly signal: AbortSignal;
}

/** @throws the errno of a log that cannot be read. */
export async function showLogs(
  asked: Extract<Invocation, { kind: 'logs' }>,
  { configFor, colour, onInterrupt, stdout, stderr }: Surroundings,
): Promise<number> {
  const { globals } = asked;
  const config = await configFor(globals);
  const end = new AbortController();
  const letGo = onInterrupt(() => end.abort());
  const options = { ...asked, json: globals.json, colour: colour(globals), stdout, stderr, signal: end.signal };
  await printLogs(config, options);
  letGo();
  return 0;
}

async function printLogs(config: Config, options: LogsOptions): Promise<void> {
  const paths = statePaths(config.stateDir, config.name);
  const stdout = outputTo(options.stdout);
  const stderr = outputTo(options.stderr);
  const active = (): Slot | null => openLink(paths).read().slot;
  const chosen = choose(options.what, active());
  const print = printer(options, stdout);
  const readers: PerSlot<LogReader> = perSlot(
    (slot) => new LogReader(paths.slots[slot].log, chosen.includes(slot) ? options.lines : 0),
  );
  for (const slot of byAge(paths, chosen)) readers[slot].read((line) => print(slot, line));
  if (!options.follow) {
    for (const slot of byAge(paths, chosen)) readers[slot].close((line) => print(slot, line));
    if (options.what === 'active' && chosen.length === 0) stderr.write('no slot is active\n');
    else if (chosen.every((slot) => sizeOf(paths, slot) === 0)) stderr.write(nothingIn(paths, chosen));
    return;
  }
  let shown = chosen;
  const look = (): void => {
    // The link first: what the newly active one wrote since the last look is not passed over.
    const now = choose(options.what, active());
    const before = [...shown, ...now.filter((slot) => !shown.includes(slot))];
    for (const slot of SLOTS) readers[slot].read((line) => before.includes(slot) && print(slot, line));
    if (now.join() !== shown.join() && !options.json) stderr.write(`${now[0] ?? 'no slot'} is active now\n`);
    shown = now;
  };
  await following(paths, look, options.signal, stdout);
  for (const slot of SLOTS) readers[slot].close((line) => shown.includes(slot) && print(slot, line));
}

const choose = (what: Asked['what'], active: Slot | null): readonly Slot[] => {
  if (what === 'both') return SLOTS;
  const slot = what === 'active' ? active : what;
  return slot === null ? [] : [slot];
};

/** Resolves when it is over; rejects with what a look throws. */
function following(paths: StatePaths, look: () => void, signal: AbortSignal, stdout: Output): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = (): void => {
      stop();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const stop = watchLogs(paths.dir, () => {
      try {
        look();
        if (stdout.isBroken()) end();
      } catch (error) {
        stop();
        reject(error);
      }
    });
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}

/** One slot needs no prefix; with --json it has its key. */
function printer({ json, colour, what }: LogsOptions, stdout: Output): (slot: Slot, line: string) => void {
  const { cyan, magenta } = pc.createColors(colour);
  const prefixes: PerSlot<string> = { a: `${cyan('a |')} `, b: `${magenta('b |')} ` };
  const isTerminal = Number.isFinite(stdout.width());
  return (slot, line) => {
    if (json) return stdout.write(`${JSON.stringify({ slot, line })}\n`);
    const text = isTerminal ? printable(line) : line;
    stdout.write(`${what === 'a' || what === 'b' ? '' : prefixes[slot]}${text}\n`);
  };
}

/** The one that was written to last comes last. */
const byAge = (paths: StatePaths, slots: readonly Slot[]): readonly Slot[] =>
  [...slots].sort((one, other) => changedAt(paths, one) - changedAt(paths, other));

const changedAt = (paths: StatePaths, slot: Slot): number =>
  statSync(paths.slots[slot].log, { throwIfNoEntry: false })?.mtimeMs ?? 0;

const sizeOf = (paths: StatePaths, slot: Slot): number =>
  statSync(paths.slots[slot].log, { throwIfNoEntry: false })?.size ?? 0;

const nothingIn = (paths: StatePaths, slots: readonly Slot[]): string =>
  `nothing has been written to ${slots.map((slot) => paths.slots[slot].log).join(' and ')}\n`;
