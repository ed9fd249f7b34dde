// `listen: redirect`: what a Node finds in its environment, so that it loads dist/redirect.cjs before the app.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** GRACEFUL_REDIRECT says what of NODE_OPTIONS is ours: a `graceful` that the app calls takes it out again. */
export function redirection(nodeOptions: string | undefined): Readonly<Record<string, string>> {
  // --require, which Node 20 and later take from there for ES modules too, and which costs no loader thread.
  const ours = `--require ${quoted(preload(dirname(fileURLToPath(import.meta.url))))}`;
  return { NODE_OPTIONS: nodeOptions ? `${ours} ${nodeOptions}` : ours, GRACEFUL_REDIRECT: ours };
}

/** @throws when the package is not whole. */
function preload(from: string): string {
  const path = join(from, 'dist/redirect.cjs');
  if (existsSync(path)) return path;
  if (dirname(from) === from) throw new Error('the package has no dist/redirect.cjs');
  return preload(dirname(from));
}

/** As Node reads NODE_OPTIONS: words by spaces, and in quotes a backslash before what is meant as it is. */
const quoted = (path: string): string => (/[\s"\\]/.test(path) ? `"${path.replace(/["\\]/g, '\\$&')}"` : path);
