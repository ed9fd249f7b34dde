// The programs that these tests run, besides those of test/rig: their list is requirements.json, here.
import { readFileSync } from 'node:fs';
import { inRepo } from '../rig/paths.ts';
import { findProgram } from '../rig/requirements.ts';

const TABLE: Readonly<Record<string, { readonly program: string }>> = JSON.parse(
  readFileSync(inRepo('test/many-servers/requirements.json'), 'utf8'),
);

/** The absolute path of a program. */
export const program = (name: string): string => {
  const path = findProgram(new RegExp(`^${name}$`));
  if (path === null) throw new Error(`${name} is not installed`);
  return path;
};

/** For the `skip` option: what is missing, an error in CI. */
export const skipUnlessReady = (): false | string => {
  const missing = Object.keys(TABLE).filter((name) => findProgram(new RegExp(TABLE[name]?.program ?? name)) === null);
  const reason =
    process.geteuid?.() !== 0
      ? 'network namespaces take root'
      : missing.length > 0 && `not installed: ${missing.join(', ')}`;
  if (reason !== false && process.env['CI'] === 'true') throw new Error(`${reason}, and in CI no test may be skipped`);
  return reason;
};
