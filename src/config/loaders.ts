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

/** Node reads a module once. A process that lives longer than one command has it read again, with all that it imports, by jiti. */
export async function loadModule(file: string): Promise<unknown> {
  if (imported.has(file)) return loadTypeScript(file);
  imported.add(file);
  const module: { default?: unknown } = await import(pathToFileURL(realpathSync(file)).href);
  return module.default;
}

export async function loadTypeScript(file: string): Promise<unknown> {
  const { createJiti } = await import('jiti');
  // Its file cache lies in a directory of /tmp that anybody may have made: no place for code that root will run.
  const jiti = createJiti(file, { fsCache: false, moduleCache: false });
  return (await jiti.import<{ default?: unknown }>(file)).default;
}
