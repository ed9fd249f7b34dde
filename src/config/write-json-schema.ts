// Build step: writes the JSON Schema to the file named on the command line.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { jsonSchema } from './json-schema.ts';

const target = process.argv[2];
if (target === undefined) throw new Error('usage: write-json-schema FILE');
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${JSON.stringify(jsonSchema(), null, 2)}\n`);
