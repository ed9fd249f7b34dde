// Our deadlines hang on the monotonic clock; ages, the history and other tools hang on the other one.
import { lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { DoctorContext } from '../doctor.ts';
import { ok, type Remark, warning } from '../finding.ts';

const SLACK_MS = 60_000;

export function clock({ config, system }: DoctorContext): readonly Remark[] {
  const now = Date.now();
  const newest = names(config.stateDir)
    .filter((file) => file.startsWith(config.name))
    .map((file) => lstatSync(join(system.paths.dir, file), { throwIfNoEntry: false })?.mtimeMs ?? 0)
    .reduce((latest, mtime) => Math.max(latest, mtime), 0);
  if (newest <= now + SLACK_MS) return [ok(`the clock says ${new Date(now).toISOString()}`)];
  return [
    warning(
      `the clock went back: it says ${new Date(now).toISOString()}, and a file in ${config.stateDir} is of ${new Date(newest).toISOString()}`,
      'timedatectl shows whether the clock is synchronised; `stop --inactive --older-than` goes by it',
    ),
  ];
}

function names(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return []; // not there yet
  }
}
