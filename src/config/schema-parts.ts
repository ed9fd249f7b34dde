// The building blocks of the file's schema. Their invariant: the message of every schema is what was expected, as a
// noun phrase, because problems.ts prints it after "expected".
import {
  array,
  check,
  description,
  type GenericSchema,
  minValue,
  never,
  nonEmpty,
  number,
  type ObjectEntries,
  objectWithRest,
  pipe,
  type RawTransformAction,
  rawTransform,
  regex,
  type StrictObjectSchema,
  string,
  type UnionSchema,
  union,
} from 'valibot';
import { DURATION_PATTERN, MAX_TIMER_MS, parseDuration } from './duration.ts';

/** Separates the valid keys in the message of an unknown one. */
export const KEY_SEPARATOR = ', ';

/**
 * An object that knows all its keys. valibot's own `strictObject` stops at the first unknown key, and a person who
 * mistyped two of them should see both: so every key that is not listed has to satisfy `never`, whose message lists
 * the valid ones.
 */
export function closed<const Entries extends ObjectEntries>(entries: Entries): StrictObjectSchema<Entries, undefined> {
  const expectedOf = (key: unknown): string => {
    const message = (entries[String(key)] as { message?: unknown } | undefined)?.message;
    return typeof message === 'string' ? message : 'an object';
  };
  const schema = objectWithRest(entries, never(Object.keys(entries).join(KEY_SEPARATOR)), (issue) =>
    expectedOf(issue.path?.[0]?.key),
  );
  return notAnArray(schema) as unknown as StrictObjectSchema<Entries, undefined>;
}

/** valibot takes an array for an object whose keys are 0, 1, 2…; no key of ours means that. */
export function notAnArray<Schema extends GenericSchema>(schema: Schema): Schema {
  const refuse = string('an object');
  const run: Schema['~run'] = (dataset, config) =>
    Array.isArray(dataset.value) ? (refuse['~run'](dataset, config) as never) : schema['~run'](dataset, config);
  return { ...schema, '~run': run };
}

/**
 * A union of two whose members are told apart before they are tried: what is wrong is told of the one that was meant. To
 * JSON Schema it is a union like any other.
 */
export function eitherBy<One extends GenericSchema, Other extends GenericSchema>(
  isOne: (value: unknown) => boolean,
  one: One,
  other: Other,
  expected: string,
): UnionSchema<[One, Other], string> {
  const schema = union([one, other], expected);
  const run: (typeof schema)['~run'] = (dataset, config) =>
    (isOne(dataset.value) ? one : other)['~run'](dataset, config) as never;
  return { ...schema, '~run': run };
}

/** Converts by a function that returns null for what it cannot read. */
export const parsedBy = <Input, Output>(
  parse: (input: Input) => Output | null,
  expected: string,
): RawTransformAction<Input, Output> =>
  rawTransform(({ dataset, addIssue, NEVER }) => {
    const output = parse(dataset.value);
    if (output !== null) return output;
    addIssue({ message: expected });
    return NEVER;
  });

/** In a path or an argument, NUL would end the string early: node:child_process and node:fs refuse it too. */
const NO_NUL = /^[^\0]*$/;

/** A string with something in it. */
export const text = (expected: string) => pipe(string(expected), nonEmpty(expected), regex(NO_NUL, expected));

const DURATION = 'a duration such as 500ms, 30s, 5m or a number of milliseconds';

/** How long something may take; zero means not to wait. The meaning stands before the conversion: JSON Schema ends there. */
export const duration = (meaning: string, leastMs = 0) =>
  pipe(
    union(
      [pipe(string(DURATION), regex(DURATION_PATTERN, DURATION)), pipe(number(DURATION), minValue(0, DURATION))],
      DURATION,
    ),
    description(meaning),
    check((input) => (parseDuration(input) ?? leastMs) >= leastMs, 'more than 0'),
    check((input) => (parseDuration(input) ?? 0) <= MAX_TIMER_MS, 'at most 24d'),
    parsedBy(parseDuration, DURATION),
  );

/** A duration that makes no sense as zero. */
export const positiveDuration = (meaning: string) => duration(meaning, 1);

const COMMAND = 'an array such as ["node", "server.js"], or one string';

/** An argv array, or one string that is split later (split-command.ts). */
export const command = union(
  [
    text(COMMAND),
    pipe(array(pipe(string('a string'), regex(NO_NUL, 'a string without NUL')), COMMAND), nonEmpty(COMMAND)),
  ],
  COMMAND,
);
