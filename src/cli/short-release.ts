// Releases as they are shown.

/** A commit as git abbreviates it, a release directory by its name. */
export const shortRelease = (release: string): string => {
  if (/^[0-9a-f]{40}([0-9a-f]{24})?$/.test(release)) return release.slice(0, 8);
  return release.replace(/\/+$/, '').split('/').at(-1) || release;
};
