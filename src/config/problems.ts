// What is wrong with a configuration, in words: all of it at once, and never with a secret in it.
import type { BaseIssue } from 'valibot';
import { type ConfigProblem, fail, type GracefulError } from '../core/failure.ts';
import { KEY_SEPARATOR } from './schema-parts.ts';

const UNKNOWN = 'unknown key';
const MISSING = 'missing';

type Issue = BaseIssue<unknown>;

/** The problems behind the schema's issues, each with the nearest valid word if something was mistyped. */
export const toProblems = (issues: readonly Issue[]): Promise<ConfigProblem[]> =>
  Promise.all(issues.flatMap((issue) => mostSpecific(issue)).map(toProblem));

/** The failure that reports these problems. `file` is null for a configuration that came from no file. */
export const configFailure = (
  file: string | null,
  problems: readonly ConfigProblem[],
  cause?: unknown,
): GracefulError =>
  fail('config', problems.map((problem) => describeProblem(file, problem)).join('\n'), { file, problems }, cause);

/** One problem on one line. */
export function describeProblem(file: string | null, { key, found, expected, suggestion }: ConfigProblem): string {
  const where = [file ?? 'configuration', ...(key === '' ? [] : [key])].join(': ');
  const hint = suggestion === undefined ? '' : `; did you mean "${suggestion}"?`;
  if (found === UNKNOWN) return `${where}: ${UNKNOWN}${hint === '' ? `, expected ${expected}` : hint}`;
  return `${where}: ${found === MISSING ? MISSING : `found ${found}`}, expected ${expected}${hint}`;
}

type PlacedIssue = { readonly issue: Issue; readonly path: readonly string[] };

/** A union says that nothing fitted. If one of its members came further than the top, the mistake is where that one stopped. */
function mostSpecific(issue: Issue, parents: readonly string[] = []): PlacedIssue[] {
  const path = [...parents, ...(issue.path ?? []).map((item) => String(item.key))];
  const inside = issue.type === 'union' ? (issue.issues ?? []).filter((inner) => inner.path !== undefined) : [];
  return inside.length > 0 ? inside.flatMap((inner) => mostSpecific(inner, path)) : [{ issue, path }];
}

async function toProblem({ issue, path }: PlacedIssue): Promise<ConfigProblem> {
  const key = path.join('.');
  if (issue.type === 'never') {
    const suggestion = await nearest(path.at(-1) ?? '', issue.message.split(KEY_SEPARATOR));
    return { key, found: UNKNOWN, expected: `one of ${issue.message}`, ...(suggestion === null ? {} : { suggestion }) };
  }
  const found = issue.input === undefined ? MISSING : describeValue(issue.input, isSecret(path));
  const words =
    issue.type === 'variant' ? [...(issue.expected ?? '').matchAll(/"(\w+)"/g)].map(([, word]) => word ?? '') : [];
  const suggestion = typeof issue.input === 'string' ? await nearest(issue.input, words) : null;
  return { key, found, expected: issue.message, ...(suggestion === null ? {} : { suggestion }) };
}

/** Passwords live in the environment and in arguments. */
const isSecret = ([top, second, third]: readonly string[]): boolean =>
  top === 'env' ||
  top === 'command' ||
  top === 'hooks' ||
  (top === 'health' && (second === 'command' || third === 'command')) ||
  (top === 'release' && second === 'prepare');

const MAX_SHOWN = 80;

function describeValue(value: unknown, secret: boolean): string {
  if (value === null) return 'null';
  if (value === '') return 'an empty string';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array';
  if (typeof value === 'object') return 'an object';
  if (typeof value === 'function') return 'a function';
  if (secret) return `a ${typeof value}`;
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value);
  return shown.length > MAX_SHOWN ? `${shown.slice(0, MAX_SHOWN)}…` : shown;
}

/** The candidate that was probably meant: nearly the same letters, or the beginning of one. */
async function nearest(word: string, candidates: readonly string[]): Promise<string | null> {
  if (word === '' || candidates.length === 0) return null;
  const { distance } = await import('fastest-levenshtein');
  const bare = (text: string): string => text.toLowerCase().replace(/[-_]/g, '');
  const ranked = candidates
    .map((candidate) => ({ candidate, edits: distance(bare(word), bare(candidate)) }))
    .sort((one, other) => one.edits - other.edits);
  const best = ranked[0];
  if (best !== undefined && best.edits <= Math.max(1, Math.floor(bare(word).length / 3))) return best.candidate;
  const begun = candidates.filter((candidate) => bare(word).length > 2 && bare(candidate).startsWith(bare(word)));
  return begun.length === 1 ? (begun[0] ?? null) : null;
}
