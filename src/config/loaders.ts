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
  const module: { default?: unknown } = await import(href);
  return module.default;
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
  });
}

export async function loadTypeScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  // Its file cache lies in a directory of /tmp that anybody may have made: no place for code that root will run.
  const jiti = createJiti(file, { fsCache: false, moduleCache: false });
  return (await jiti.import<{ default?: unknown }>(file)).default;
}
