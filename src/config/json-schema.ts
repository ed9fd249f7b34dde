// The schema of the file for editors. Needs a development dependency: only the build may import this.
import { toJsonSchema } from '@valibot/to-json-schema';
import { fileSchema } from './schema.ts';

/** The JSON Schema (draft-07) of the configuration file, made from the schema that the file is checked against. */
export function jsonSchema(): Record<string, unknown> {
  const { $schema, ...schema } = toJsonSchema(fileSchema, {
    target: 'draft-07',
    typeMode: 'input',
    // What an input must satisfy before these is in the schema as a pattern or a range.
    ignoreActions: ['check', 'raw_transform'],
  });
  const complete = {
    $schema,
    title: 'graceful configuration',
    description: 'Configuration of graceful, a zero-downtime process manager for app backends over unix sockets.',
    ...schema,
  };
  return JSON.parse(JSON.stringify(complete), closeObjects);
}

/** `closed` makes unknown keys satisfy `never`, which comes out as `{ "not": {} }`. Editors understand `false` better. */
const closeObjects = (key: string, value: unknown): unknown =>
  key === 'additionalProperties' && typeof value === 'object' && value !== null && 'not' in value ? false : value;
