// A warm backend that somebody may go back to at any moment: `update --watch`, for as long as it watches and lives.
import type { BackendRecord } from './backend-record.ts';
import { bootId, identify, liveness, type ProcessIdentity, pidNamespace } from './processes/identity.ts';
import { isIdentity, isObject, isText, isTime } from './stored-values.ts';

export interface Standby {
  /** ISO 8601. */
  readonly until: string;
  /** Whoever watches; once it is dead, nobody goes back by himself any more. */
  readonly watcher: ProcessIdentity & { readonly pidNamespace: string };
}

/** The record of a backend that is needed for so long by this process. */
export function withStandby(record: BackendRecord, ms: number): BackendRecord {
  const self = identify(process.pid);
  if (self === null) throw new Error('the process cannot see itself in /proc');
  const until = new Date(Date.now() + ms).toISOString();
  return { ...record, standby: { until, watcher: { ...self, pidNamespace: pidNamespace() } } };
}

export function standsBy({ standby }: BackendRecord): boolean {
  if (standby === undefined || standby === null || !(Date.parse(standby.until) > Date.now())) return false;
  const { watcher } = standby;
  if (watcher.bootId !== bootId()) return false;
  return watcher.pidNamespace !== pidNamespace() || liveness(watcher) !== 'dead';
}

/** Whether it is one, as it is on disk. */
export const isStandby = (value: unknown): value is Standby =>
  isObject(value) &&
  isTime(value['until']) &&
  isObject(value['watcher']) &&
  isIdentity(value['watcher']) &&
  isText(value['watcher']['pidNamespace']);
