// Which versions have served, kept on disk so that `rollback` knows what was before.
import { NO_VERSIONS, type Version, type Versions } from '../core/versions.ts';
import { readIfPresent, writeAtomically } from './atomic-file.ts';

export interface VersionsFile {
  read(): Versions;
  write(versions: Versions): void;
}

export const openVersions = (path: string): VersionsFile => ({
  read: () => parse(readIfPresent(path)),
  write: (versions) => writeAtomically(path, `${JSON.stringify(versions)}\n`, { mode: 0o640 }),
});

function parse(text: string | null): Versions {
  try {
    const { serving, list } = JSON.parse(text ?? 'null') as Partial<Versions>;
    if (!Array.isArray(list)) return NO_VERSIONS;
    return { serving: typeof serving === 'string' ? serving : null, list: list.filter(isVersion) };
  } catch {
    return NO_VERSIONS; // rubbish, as after a power loss, or no file
  }
}

function isVersion(value: unknown): value is Version {
  if (typeof value !== 'object' || value === null) return false;
  const { instance, slot, cwd, release, startedAt, ended } = value as Partial<Record<keyof Version, unknown>>;
  return (
    [instance, cwd, startedAt].every((field) => typeof field === 'string') &&
    (slot === 'a' || slot === 'b') &&
    (release === null || typeof release === 'string') &&
    (ended === null || (typeof ended === 'object' && typeof (ended as { at?: unknown }).at === 'string'))
  );
}
