// docs/benchmarks/results.jsonl: what docs/benchmarks.md was written from, a line for the machine and one per measurement, so
// that the page can be written anew anywhere, and a part of it measured anew on the same machine.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { inRepo } from '../rig/paths.ts';
import type { Machine } from './machine.ts';
import type { Result } from './results.ts';

const FILE = 'docs/benchmarks/results.jsonl';

export interface KeptResults {
  readonly machine: Machine | null;
  readonly results: readonly Result[];
}

/** @throws when there are none */
export function readKept(): KeptResults & { readonly machine: Machine } {
  if (!existsSync(inRepo(FILE))) throw new Error(`there is no ${FILE} yet: npm run bench -- --write makes it`);
  const [machine = '', ...results] = readFileSync(inRepo(FILE), 'utf8').trimEnd().split('\n');
  return { machine: JSON.parse(machine) as Machine, results: results.map((line) => JSON.parse(line) as Result) };
}

/**
 * Puts results in the place of the kept ones of the same measurements; returns them all.
 * @throws when those were measured on another machine, or with other programs: figures of two do not go into one table
 */
export function keep({ machine, results }: KeptResults): KeptResults {
  if (machine === null) throw new Error('nothing was measured');
  const before = existsSync(inRepo(FILE)) ? readKept() : null;
  const differs = before === null ? [] : differences(before.machine, machine);
  if (differs.length > 0)
    throw new Error(`${FILE} is of another machine (${differs.join('; ')}): delete it, and measure everything`);
  const byId = new Map([...(before?.results ?? []), ...results].map((result) => [result.id, result]));
  const kept = {
    machine: { ...machine, commands: [...new Set([...(before?.machine.commands ?? []), ...machine.commands])] },
    results: [...byId.values()].sort((a, b) => (a.id < b.id ? -1 : 1)),
  };
  const lines = [kept.machine, ...kept.results].map((one) => JSON.stringify(one));
  writeFileSync(inRepo(FILE), `${lines.join('\n')}\n`);
  return kept;
}

const differences = (kept: Machine, now: Machine): readonly string[] =>
  [...new Set([...Object.keys(kept), ...Object.keys(now)])]
    .filter((key) => key !== 'at' && key !== 'commands')
    .map((key) => [key, ...[kept, now].map((one) => JSON.stringify(one[key as keyof Machine]))] as const)
    .filter(([, there, here]) => there !== here)
    .map(([key, there, here]) => `${key}: ${there}, here ${here}`);
