// The app that the demo deploys: a few lines of config, and one directory per release with the example app in it.
import { copyFile, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { appPath } from '../rig/paths.ts';

/** What the demo's user has written; it is printed, so it is laid out for reading. */
export const CONFIG = `{
  "command": "node app.mjs",
  "cwd": "current",
  "envFile": "current/.env",
  "health": { "type": "http", "path": "/healthz" }
}
`;

/** Each backend exits at once on SIGTERM, the worst manners that a backend can have, and one answer in a hundred takes 500 ms. */
const SETTINGS = {
  APP_START_DELAY_MS: '300',
  APP_ON_SIGTERM: 'exit',
  APP_DELAY: '0-3',
  APP_SLOW_SHARE: '0.01',
};

export const writeConfig = (dir: string): Promise<void> => writeFile(join(dir, 'graceful.config.json'), CONFIG);

/** Lays out `releases/VERSION`. Which one is deployed is decided by the link `current`. */
export async function writeRelease(dir: string, version: string, broken: boolean): Promise<void> {
  const release = join(dir, 'releases', version);
  const settings = { APP_VERSION: version, ...SETTINGS, ...(broken ? { APP_BROKEN: 'exits' } : {}) };
  await mkdir(release, { recursive: true });
  await copyFile(appPath.node, join(release, 'app.mjs'));
  await writeFile(
    join(release, '.env'),
    Object.entries(settings)
      .map(([name, value]) => `${name}=${value}\n`)
      .join(''),
  );
}
