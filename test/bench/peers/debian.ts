// What dpkg knows of a package.
import { spawnSync } from 'node:child_process';

export const debianVersion = (name: string): string =>
  spawnSync('dpkg', ['-s', name], { encoding: 'utf8' }).stdout.match(/^Version: (.*)$/m)?.[1] ?? 'unknown';
