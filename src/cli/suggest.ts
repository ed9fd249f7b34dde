// "Did you mean …": only on the way to an error, so the distance function is loaded only there.
import { fail, type GracefulError } from '../core/failure.ts';

/** A word that the table does not have. Thrown while parsing, and completed with the nearest known word before anybody sees it. */
export class UnknownWord extends Error {
  readonly #word: string;
  readonly #known: readonly string[];
  readonly #otherwise: string;

  /** `otherwise` is the hint for a word that resembles nothing. */
  constructor(message: string, word: string, known: readonly string[], otherwise: string) {
    super(message);
    this.#word = word;
    this.#known = known;
    this.#otherwise = otherwise;
  }

  async asFailure(): Promise<GracefulError> {
    const nearest = SYNONYMS.get(this.#word) ?? (await nearestOf(this.#word, this.#known));
    return fail('usage', this.message, { hint: nearest === null ? this.#otherwise : `did you mean ${nearest}?` });
  }
}

/** What other tools call our commands. */
const SYNONYMS: ReadonlyMap<string, string> = new Map([
  ['deploy', 'update'],
  ['reload', 'update'],
  ['upgrade', 'update'],
  ['undo', 'rollback'],
  ['revert', 'rollback'],
  ['ps', 'status'],
  ['list', 'status'],
  ['ls', 'status'],
  ['up', 'start'],
  ['down', 'stop --all'],
]);

const nearestOf = async (word: string, known: readonly string[]): Promise<string | null> => {
  const { distance } = await import('fastest-levenshtein');
  const bare = (text: string): string => text.replace(/^-+/, '').toLowerCase();
  let best: string | null = null;
  // A third of the letters may be wrong; two swapped letters count as two.
  let limit = Math.ceil(bare(word).length / 3);
  for (const candidate of known) {
    const wrong = distance(bare(word), bare(candidate));
    if (wrong > limit || (wrong === limit && best !== null)) continue;
    best = candidate;
    limit = wrong;
  }
  return best;
};
