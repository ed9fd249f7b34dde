// How files are read that are not JSON. In a chunk of their own, also because of `import()`: the compiled code that
// bin/graceful.cjs keeps of main.cjs cannot do it.
import { realpathSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { FileSyntaxError } from './json.ts';

export async function loadYaml(file: string, content: string): Promise<unknown> {
  const { defaultLoaders } = await import('cosmiconfig');
  try {
    return await defaultLoaders['.yaml'](file, content);
  } catch (cause) {
    // js-yaml's message quotes the file; its mark and its reason do not.
    const { mark, reason } = cause as { mark?: { line: number; column: number }; reason?: string };
    if (mark === undefined) throw cause;
    throw new FileSyntaxError(
      `invalid YAML at line ${mark.line + 1}, column ${mark.column + 1} (${reason})`,
      'valid YAML',
      { cause },
    );
  }
}

const imported = new Set<string>();

/** Node reads a module, and what that imports, once: a process that lives longer than one command asks another one. */
export async function loadModule(file: string): Promise<unknown> {
  const { href } = pathToFileURL(realpathSync(file));
  if (imported.has(href)) return importElsewhere(href);
  imported.add(href);
  return runProgram(async () => ((await import(href)) as { default?: unknown }).default);
}

const IMPORT_AND_SEND = `import(process.argv[1])
  .then(({ default: value }) => ({ value }), (error) => ({ error: String(error?.message ?? error) }))
  .then((answer) => process.send(answer, () => process.exit()));`;

async function importElsewhere(href: string): Promise<unknown> {
  const { spawn } = await import('node:child_process');
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', IMPORT_AND_SEND, href], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    child.once('error', reject);
    child.once('message', ({ value, error }: { value?: unknown; error?: string }) =>
      error === undefined ? resolve(value) : reject(new Error(error)),
    );
    child.once('close', (code) => reject(new Error(`the file ended the process that read it (exit code ${code})`)));
    const timer = setTimeout(() => {
      reject(tooSlow());
      child.kill('SIGKILL');
    }, LOAD_TIMEOUT_MS);
    child.once('close', () => clearTimeout(timer));
  });
}

export async function loadTypeScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  // Its file cache lies in a directory of /tmp that anybody may have made: no place for code that root will run.
  const jiti = createJiti(file, { fsCache: false, moduleCache: false });
  return runProgram(async () => (await jiti.import<{ default?: unknown }>(file)).default);
}

const LOAD_TIMEOUT_MS = 10_000;
const tooSlow = (): FileSyntaxError =>
  new FileSyntaxError(`a file that is not done after ${LOAD_TIMEOUT_MS / 1000} s`, 'a file that can be loaded');

const { exit } = process;
/** Configurations are read side by side: only the last one that is done gives the process its end back. */
let programs = 0;

/** Programs do as they like: this one may neither end our process nor keep us waiting, and what it gives is read here, once. */
async function runProgram(load: () => Promise<unknown>): Promise<unknown> {
  programs += 1;
  process.exit = () => {
    throw new FileSyntaxError('a file that ends the process that reads it', 'a file that can be loaded');
  };
  let timer: NodeJS.Timeout | undefined;
  // The timer keeps the process alive, too: one in which nothing is left to do would end without a word.
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(tooSlow()), LOAD_TIMEOUT_MS);
  });
  try {
    return readOut(await Promise.race([load(), late]), []);
  } finally {
    clearTimeout(timer);
    programs -= 1;
    if (programs === 0) process.exit = exit;
  }
}

/** A plain copy: a getter or a Proxy that throws does so now, where its file is known. */
function readOut(value: unknown, parents: readonly unknown[]): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (parents.includes(value)) throw new FileSyntaxError('an object that contains itself', 'plain data');
  const inside = [...parents, value];
  if (Array.isArray(value)) return Array.from(value, (element) => readOut(element, inside));
  return Object.fromEntries(Object.entries(value).map(([key, element]) => [key, readOut(element, inside)]));
}
