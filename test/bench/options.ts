// The options of `npm run bench`.
import { parseArgs } from 'node:util';
import { inRepo } from '../rig/paths.ts';

export interface Options {
  /** Words that a measurement's id must contain, all of them in one of the lists. */
  readonly only: readonly string[];
  /** The same words, of those to be left out. */
  readonly without: readonly string[];
  readonly runs: number | null;
  readonly quick: boolean;
  readonly again: boolean;
  readonly list: boolean;
  readonly write: boolean;
  readonly reportOnly: boolean;
  /** Null when nothing is to be measured, and the results are the kept ones. */
  readonly results: string | null;
  readonly updates: number | null;
}

export const USAGE = `npm run bench -- [options]
  (none)           everything, three runs, a good hour; the tables go to stdout
  --quick          one run with short loads: about six minutes
  --only WORDS     only the measurements whose id contains all of these words; may be given several times
  --without WORDS  all but the measurements whose id contains all of these words
  --runs N         as often
  --results DIR    where the results go, one JSON file each; those that are there are not measured again
  --again          they are
  --write          into docs/benchmarks/results.jsonl, and from that the page docs/benchmarks.md and its plots
  --report         measures nothing: from what is in DIR, or without --results from docs/benchmarks/results.jsonl
  --updates N      how many updates one state dir sees (10000)
  --list           the measurements and how long they take`;

export function parseOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      only: { type: 'string', multiple: true, default: [] },
      without: { type: 'string', multiple: true, default: [] },
      runs: { type: 'string' },
      quick: { type: 'boolean', default: false },
      again: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      report: { type: 'boolean', default: false },
      results: { type: 'string' },
      updates: { type: 'string' },
    },
  });
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  return {
    only: values.only,
    without: values.without,
    runs: values.runs === undefined ? null : positive('--runs', values.runs),
    quick: values.quick,
    again: values.again,
    list: values.list,
    write: values.write,
    reportOnly: values.report,
    results: values.results ?? (values.report ? null : inRepo('.cache/bench', `results-${stamp}`)),
    updates: values.updates === undefined ? null : positive('--updates', values.updates),
  };
}

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new TypeError(`${name} takes a whole number from 1 on, not '${text}'`);
  return value;
}
