// From a directory, or the name of a file, to a valid configuration or a failure that says what to do.
import { closeSync, openSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { Config } from '../core/config.ts';
import { createExplorer, type Explorer, type Found, SEARCH_PLACES } from './explorer.ts';
import { FileSyntaxError } from './json.ts';
import { noConfiguration, unreadable } from './load-failures.ts';
import { normalize } from './normalize.ts';
import { configFailure } from './problems.ts';

/** Where to look for the file. */
export interface ConfigSource {
  /** Absolute. The search begins here, and names given on the command line or in the environment are relative to it. */
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  /** From `-c`; null to use GRACEFUL_CONFIG or, without it, to search. */
  readonly file: string | null;
}

export interface LoadRequest extends ConfigSource {
  /** From `--state-dir`; null to use GRACEFUL_STATEDIR or, without it, what the file says. */
  readonly stateDir: string | null;
}

/** Reads the configuration. Fails with `config`, with every problem of the file at once. */
export async function loadConfig(request: LoadRequest): Promise<Config> {
  const { cwd, env } = request;
  const found = await find(request);
  if (found === null) throw noConfiguration(cwd);
  const stateDir = request.stateDir ?? fromEnvironment(env['GRACEFUL_STATEDIR']);
  return normalize(found.content, {
    file: found.file,
    base: dirname(found.file),
    stateDir: stateDir === null ? null : resolve(cwd, stateDir),
  });
}

/** Path of the file that {@link loadConfig} would read, or null if there is none. Fails as it would if it cannot be read. */
export async function findConfigFile(source: ConfigSource): Promise<string | null> {
  return (await find(source))?.file ?? null;
}

interface Content {
  readonly file: string;
  readonly content: unknown;
}

async function find({ cwd, env, file }: ConfigSource): Promise<Content | null> {
  const named = file ?? fromEnvironment(env['GRACEFUL_CONFIG']);
  const explorer = createExplorer();
  if (named === null) return search(explorer, cwd);
  const path = resolve(cwd, named);
  const content = await read(path, () => explorer.load(path));
  if (content !== null) return content;
  if (!isPackage(path)) throw unreadable(path, emptyFile());
  throw configFailure(path, [{ key: 'graceful', found: 'missing', expected: 'the configuration, under this key' }]);
}

/** An empty variable is how shells and unit files unset one. */
const fromEnvironment = (value: string | undefined): string | null =>
  value === undefined || value === '' ? null : value;

async function search(explorer: Explorer, cwd: string): Promise<Content | null> {
  for (const directory of upward(cwd)) {
    // Asking the kernel costs microseconds; cosmiconfig opens every place in turn, in every directory up to the root.
    const present = SEARCH_PLACES.map((place) => join(directory, place)).filter(isFile);
    const [first] = present;
    if (first === undefined) continue;
    const content = await read(first, () => explorer.search(directory));
    if (content !== null) return content;
    // cosmiconfig passes by what it may not read. Going on upward instead would manage another app.
    const passedBy = present.find((path) => !isPackage(path));
    if (passedBy !== undefined) throw unreadable(passedBy, refusal(passedBy) ?? emptyFile());
  }
  return null;
}

function* upward(directory: string): Generator<string> {
  yield directory;
  if (dirname(directory) !== directory) yield* upward(dirname(directory));
}

async function read(path: string, load: () => Found | null): Promise<Content | null> {
  let file = path;
  try {
    const found = load();
    if (found === null) return null;
    file = found.filepath;
    const content = await found.config;
    if (content === undefined && !found.isEmpty)
      throw new FileSyntaxError('no default export', '`export default { … }`');
    // YAML that holds nothing but comments is null, or undefined.
    if (content === undefined || content === null) throw emptyFile();
    return { file, content };
  } catch (cause) {
    // cosmiconfig names the file whose loader threw: in a search, that need not be the first one there.
    throw unreadable((cause as { filepath?: string } | null)?.filepath ?? file, cause);
  }
}

const isPackage = (path: string): boolean => basename(path) === 'package.json';

const emptyFile = (): FileSyntaxError =>
  new FileSyntaxError('an empty file', 'a configuration with at least a "command"');

/** A directory that may not be searched is like one that has no file. */
function isFile(path: string): boolean {
  try {
    return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false;
  } catch {
    // EACCES, ELOOP or ENOTDIR.
    return false;
  }
}

function refusal(path: string): unknown {
  try {
    // Not access(2): that answers for the real user, open(2) for the effective one.
    closeSync(openSync(path, 'r'));
    return null;
  } catch (error) {
    return error;
  }
}
