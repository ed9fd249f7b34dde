// The files that a configuration is made from, read. Whatever is wrong with one is told with its name.
import { readFileSync } from 'node:fs';
import { parseJson } from '../../config/json.ts';
import { unreadable } from '../../config/load-failures.ts';
import { loadModule, loadYaml } from '../../config/loaders.ts';
import { configFailure } from '../../config/problems.ts';

/** @throws `config`, as all of these do. */
export function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

/** The file as pm2 would read it, by its ending: a program is run. */
export async function readData(file: string): Promise<unknown> {
  try {
    if (/\.[cm]?js$/.test(file)) return await loadModule(file);
    const text = readFileSync(file, 'utf8');
    return file.endsWith('.json') ? parseJson(text) : await loadYaml(file, text);
  } catch (cause) {
    throw unreadable(file, cause);
  }
}

export async function readObject(file: string): Promise<Readonly<Record<string, unknown>>> {
  const content = await readData(file);
  if (typeof content === 'object' && content !== null && !Array.isArray(content)) return { ...content };
  const found = content === null ? 'null' : Array.isArray(content) ? 'an array' : `a ${typeof content}`;
  throw configFailure(file, [{ key: '', found, expected: 'an object' }]);
}
