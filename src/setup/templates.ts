// The files in nginx/ and systemd/ of the package, which are what the tests run with: the starting point of what is written.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** @throws when the package is not whole. */
export function template(path: string): string {
  return readFileSync(join(packageRoot(dirname(fileURLToPath(import.meta.url))), path), 'utf8');
}

const packageRoot = (from: string): string =>
  existsSync(join(from, 'nginx/graceful-plain.conf')) || dirname(from) === from ? from : packageRoot(dirname(from));

/** As `String.replace`, for a text that has to be there: a template that has changed is a bug to be seen. */
export function replaced(text: string, what: string | RegExp, by: string): string {
  const found = typeof what === 'string' ? text.includes(what) : what.test(text);
  if (!found) throw new Error(`the template has no ${what}`);
  return text.replace(what, () => by);
}
