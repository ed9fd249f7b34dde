// Why there is no configuration to check, without a stack trace and without quoting the file.
import { basename } from 'node:path';
import { fail, type GracefulError } from '../core/failure.ts';
import { FileSyntaxError } from './json.ts';
import { configFailure } from './problems.ts';

const A_FILE = 'the path of a configuration file (-c or GRACEFUL_CONFIG)';

/** The file was named or found, and cannot be read or understood. */
export function unreadable(file: string, cause: unknown): GracefulError {
  const problem = (found: string, expected: string): GracefulError =>
    configFailure(file, [{ key: '', found, expected }], cause);
  if (cause instanceof FileSyntaxError) return problem(cause.message, cause.expected);
  const error: NodeJS.ErrnoException = cause instanceof Error ? cause : new Error(textOf(cause));
  // With another path, the file is there and misses what it imports.
  if (error.code === 'ENOENT' && error.path === file) return problem('no such file', A_FILE);
  if (error.code === 'ENOTDIR') return problem('a path through something that is not a directory', A_FILE);
  if (error.code === 'EISDIR') return problem('a directory', A_FILE);
  if (error.code === 'EACCES') return problem('permission denied', 'a file that this user may read');
  if (error.message.startsWith('No loader specified')) {
    return problem('a file of unknown type', 'one that ends in .json, .yaml, .yml, .js, .mjs, .cjs or .ts');
  }
  return problem(`${placeOf(error, file)}${describeError(error)}`, 'a file that can be loaded');
}

/** Nothing was named, and the search found nothing. */
export const noConfiguration = (cwd: string): GracefulError =>
  fail(
    'config',
    [
      `no configuration in ${cwd} or any directory above it`,
      'looked for: a "graceful" key in package.json, .gracefulrc, .gracefulrc.* and graceful.config.* (json, yaml, yml, js, mjs, cjs, ts)',
      'create graceful.config.json, such as { "command": ["node", "server.js"] }, or name a file with -c FILE or GRACEFUL_CONFIG',
    ].join('\n'),
    {
      file: null,
      problems: [{ key: '', found: 'no configuration', expected: 'graceful.config.json or another of these files' }],
    },
  );

/** The line of a program's mistake, where the stack names it. V8 does not name it for a module that it cannot parse. */
function placeOf(error: Error, file: string): string {
  const name = basename(file).replaceAll('.', '\\.');
  const line = new RegExp(`/${name}:(\\d+)`).exec(error.stack ?? '')?.[1];
  return line === undefined ? '' : `an error at line ${line}: `;
}

/** What was thrown by a program may be anything. */
function textOf(thrown: unknown): string {
  try {
    return String(thrown);
  } catch {
    return 'something that cannot be shown was thrown';
  }
}

/** Only the first line: what follows quotes the file. */
function describeError({ name, message }: Error): string {
  const [first = ''] = message.split('\n');
  return name === 'Error' || first.startsWith(`${name}:`) ? first.trim() : `${name}: ${first.trim()}`;
}
