// How far the tests go. `npm test` is over within minutes; `npm run test:whole`, which CI runs too, does in full what it does in
// short: each operation on both hosts, each series as often as it takes to believe in it, what takes long, and rare cases.

const WHOLE = process.env['TEST_EXTENT'] === 'whole';

/** How often something is done. */
export const times = ({ whole, short }: { readonly whole: number; readonly short: number }): number =>
  WHOLE ? whole : short;

/** All of them, or the first alone. */
export const allOrFirst = <T>(all: readonly T[]): readonly T[] => all.slice(0, WHOLE ? undefined : 1);

/** All of the cases, or the first of each kind. */
export const ofEachKind = <T>(cases: readonly T[], kindOf: (one: T) => unknown): readonly T[] =>
  WHOLE ? cases : cases.filter((one, index) => cases.findIndex((other) => kindOf(other) === kindOf(one)) === index);

/** For the `skip` of a test that takes long or tries a rare case: false, or where it is run. */
export const SKIP_IN_SHORT = WHOLE ? false : 'by npm run test:whole';
