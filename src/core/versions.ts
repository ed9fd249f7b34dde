// Which versions have served, in the order of their deployment, and which of them serves now: like an editor's undo. Going
// back moves along the list; only a new version changes it, and drops what was gone back from. Pure.
import type { Slot } from './slot.ts';

/** One version as the backend that served it last. */
export interface Version {
  readonly instance: string;
  readonly slot: Slot;
  /** The working directory that it was started in, symlinks resolved. */
  readonly cwd: string;
  readonly release: string | null;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Null while its backend runs. */
  readonly ended: VersionEnd | null;
}

export interface VersionEnd {
  /** ISO 8601. */
  readonly at: string;
  /** The operation that stopped it; null when it was found dead. */
  readonly by: string | null;
}

export interface Versions {
  /** The instance that serves, as far as is known. */
  readonly serving: string | null;
  /** Newest first. */
  readonly list: readonly Version[];
}

export const NO_VERSIONS: Versions = { serving: null, list: [] };

const KEPT = 10;

/**
 * Traffic leads to this backend now. `inPlaceOf`: the earlier version that it is, started anew. So is the one that served last where
 * that has gone and was the same release from the same directory: a version that crashes again and again does not push out
 * the one to go back to.
 */
export function serve(versions: Versions, backend: Omit<Version, 'ended'>, inPlaceOf: string | null = null): Versions {
  const { instance, slot, cwd, release, startedAt } = backend;
  const version: Version = { instance, slot, cwd, release, startedAt, ended: null };
  const known = [inPlaceOf, instance, sameThatEnded(versions, backend)]
    .map((wanted) => (wanted === null ? -1 : indexOf(versions, wanted)))
    .find((index) => index !== -1);
  if (known !== undefined)
    return { serving: instance, list: versions.list.map((other, index) => (index === known ? version : other)) };
  const before = versions.list.slice(Math.max(0, indexOf(versions, versions.serving)));
  return { serving: instance, list: [version, ...before].slice(0, KEPT) };
}

/** The backend of one of them has gone. */
export const end = ({ serving, list }: Versions, instance: string, ended: VersionEnd): Versions => ({
  serving,
  list: list.map((version) => (version.instance === instance ? { ...version, ended } : version)),
});

/**
 * The version to go back to from the one that serves. One that has gone and would be the same code from the same directory
 * is passed over: it was started anew, not deployed anew.
 */
export function versionBefore({ serving, list }: Versions): Version | null {
  const index = list.findIndex(({ instance }) => instance === serving);
  const now = list[index];
  if (now === undefined) return null;
  const isSame = ({ ended, cwd, release }: Version): boolean =>
    ended !== null && release !== null && cwd === now.cwd && release === now.release;
  return list.slice(index + 1).find((version) => !isSame(version)) ?? null;
}

function sameThatEnded(versions: Versions, { cwd, release }: Pick<Version, 'cwd' | 'release'>): string | null {
  const served = versions.list[indexOf(versions, versions.serving)];
  if (served === undefined || served.ended === null || release === null) return null;
  return served.cwd === cwd && served.release === release ? served.instance : null;
}

const indexOf = ({ list }: Versions, wanted: string | null): number =>
  list.findIndex(({ instance }) => instance === wanted);
