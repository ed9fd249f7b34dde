// Runs the cases of one suite, so many side by side, and tells what came of each row.

import { ATTEMPTS, Missed } from './missed.ts';
import { type Row, Tally } from './results.ts';
import type { Case, Form, Suite } from './suite.ts';

/** Longer than any case may take: what is still at work then hangs. */
const HANG_MS = 600_000;

export interface Choice {
  readonly form: Form;
  /** A part of the row's or the case's name; empty for all. */
  readonly only: string;
}

/** What came of a case; `story` is why. */
export type Ending =
  | { readonly type: 'held' }
  | { readonly type: 'broken' | 'missed'; readonly name: string; readonly story: string };

export async function runSuite(
  suite: Suite,
  { form, only }: Choice,
  onProgress: (rows: readonly Row[], ending: Ending) => void,
): Promise<readonly Row[]> {
  const tally = new Tally();
  const cases = iterate(suite.cases(form, only));
  const isWanted = ({ row, name }: Case): boolean => row.includes(only) || name.includes(only);
  // Every worker takes the next case when it has done with the last one.
  const work = async (): Promise<void> => {
    for await (const next of cases) {
      if (!isWanted(next)) continue;
      const ending = await endingOf(next);
      tally.count(next, ending);
      onProgress(tally.rows, ending);
    }
  };
  await Promise.all(Array.from({ length: suite.concurrency }, work));
  return tally.rows;
}

/** Done anew where the fault did not come about, so many times and no more. */
async function endingOf(tried: Case): Promise<Ending> {
  for (let attempt = 1; ; attempt += 1) {
    const ending = await attempted(tried);
    if (ending.type !== 'missed' || attempt === ATTEMPTS) return ending;
  }
}

async function attempted(tried: Case): Promise<Ending> {
  let timer: NodeJS.Timeout | undefined;
  const hang = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`clear: it hangs: not over after ${HANG_MS} ms`)), HANG_MS);
  });
  const { name } = tried;
  try {
    await Promise.race([tried.run(), hang]);
    return { type: 'held' };
  } catch (error) {
    if (error instanceof Missed) return { type: 'missed', name, story: error.message };
    return { type: 'broken', name, story: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  } finally {
    clearTimeout(timer);
  }
}

/** One iterator that several workers share: a generator's `return` at the end of one worker's loop would end it for all. */
function iterate(cases: AsyncIterable<Case> | Iterable<Case>): AsyncIterable<Case> {
  const iterator = Symbol.asyncIterator in cases ? cases[Symbol.asyncIterator]() : cases[Symbol.iterator]();
  let turn: Promise<unknown> = Promise.resolve();
  const next = (): Promise<IteratorResult<Case>> => {
    const mine = turn.then(() => iterator.next());
    turn = mine.catch(() => undefined);
    return mine;
  };
  return { [Symbol.asyncIterator]: () => ({ next }) };
}
