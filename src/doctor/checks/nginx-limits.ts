// Times and retries of nginx that do not go together with ours.

import type { DoctorContext } from '../doctor.ts';
import { note, ok, type Remark, warning } from '../finding.ts';
import { formatDuration } from '../format-duration.ts';
import { effective, placeOf, timeOf } from '../nginx/parse.ts';
import { type Pass, passesTo } from '../nginx/passes.ts';

/** nginx's own default for read timeouts: who set more expects longer requests. */
const DEFAULT_READ_TIMEOUT_MS = 60_000;

export function nginxLimits({ config, nginx, system }: DoctorContext): readonly Remark[] {
  const passes = passesTo(system.paths, nginx.directives ?? []);
  const remarks = passes.flatMap((pass) => [...readTimeout(pass, config.drainTimeoutMs), ...retries(pass)]);
  return remarks.length > 0 || passes.length === 0 ? remarks : [ok('the timeouts and retries of nginx go with ours')];
}

function readTimeout({ directive, kind }: Pass, drainTimeoutMs: number): readonly Remark[] {
  const set = effective(directive, `${kind}_read_timeout`);
  const limit = set === null ? DEFAULT_READ_TIMEOUT_MS : (timeOf(set.args[0] ?? '') ?? DEFAULT_READ_TIMEOUT_MS);
  if (limit <= drainTimeoutMs) return [];
  const place = set === null ? `${kind}_read_timeout` : `${placeOf(set)}: ${set.name}`;
  const message = `${place} lets a request be silent for ${formatDuration(limit)}; drainTimeout cuts it off after ${formatDuration(drainTimeoutMs)} when its slot is needed`;
  return [
    limit > DEFAULT_READ_TIMEOUT_MS
      ? warning(message, `drainTimeout: ${formatDuration(limit)}`)
      : note(message, 'a longer drainTimeout, if the app has requests that take so long'),
  ];
}

function retries({ directive, kind }: Pass): readonly Remark[] {
  const set = effective(directive, `${kind}_next_upstream`);
  if (set === null || !set.args.includes('non_idempotent')) return [];
  return [
    warning(
      `${placeOf(set)}: non_idempotent lets nginx send a POST twice when a backend dies in the middle of it`,
      `${set.name} off; an update needs no second try`,
    ),
  ];
}
