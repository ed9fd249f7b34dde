// Which versions have served, kept on disk so that `rollback` knows what was before.
import { isSlot } from '../core/slot.ts';
import { NO_VERSIONS, type Version, type Versions } from '../core/versions.ts';
import { readIfPresent, writeAtomically } from './atomic-file.ts';
import { isObject, isPath, isText, isTextOrNull, isTime, parseObject } from './stored-values.ts';

export interface VersionsFile {
  read(): Versions;
  write(versions: Versions): void;
}

export const openVersions = (path: string): VersionsFile => ({
  read: () => parse(readIfPresent(path)),
  write: (versions) => writeAtomically(path, `${JSON.stringify(versions)}\n`, { mode: 0o640 }),
});

function parse(text: string | null): Versions {
  const { serving, list } = parseObject(text) ?? {};
  if (!Array.isArray(list)) return NO_VERSIONS; // rubbish, as after a power loss, or no file
  return { serving: isText(serving) ? serving : null, list: list.filter(isVersion) };
}

function isVersion(value: unknown): value is Version {
  if (!isObject(value)) return false;
  const { instance, slot, cwd, release, startedAt, ended } = value;
  return (
    isText(instance) &&
    isSlot(slot) &&
    isPath(cwd) &&
    isTextOrNull(release) &&
    isTime(startedAt) &&
    (ended === null || (isObject(ended) && isTime(ended['at']) && isTextOrNull(ended['by'])))
  );
}
