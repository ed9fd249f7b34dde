// What there is in a directory that a configuration can be made from, the most telling first.
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fail, type GracefulError } from '../../core/failure.ts';
import type { Draft, SourceKind } from './draft.ts';
import { FRONT_CONTROLLERS, fromPhp, fromPython, fromRack } from './from-frameworks.ts';
import { fromPackage } from './from-node.ts';
import { fromPm2, pm2Apps } from './from-pm2.ts';
import { fromProcfile } from './from-procfile.ts';
import { fromSupervisord, supervisordPrograms } from './from-supervisord.ts';
import { readData } from './source-file.ts';

export interface Place {
  /** Absolute: the app's directory. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly isRoot: boolean;
}

/** Something to start from. Several apps in one file are several of these. */
export interface Source {
  readonly kind: SourceKind;
  /** Absolute. */
  readonly file: string;
  /** The app's name there; null where a file is about one app. */
  readonly app: string | null;
  draft(): Promise<Draft | null>;
}

/** By its name, as pm2 does: a program is one with `.config` in it, and a plain process.js is somebody's app. */
const PM2_FILE =
  /^(?:(?:ecosystem|pm2)\.config\.[cm]?js|(?:ecosystem(?:\.config)?|pm2(?:\.config)?|process)\.(?:json|ya?ml))$/;
const PM2_FILES = ['js', 'cjs', 'mjs', 'json', 'yaml', 'yml']
  .flatMap((ending) => ['ecosystem.config', 'ecosystem', 'pm2.config', 'process'].map((name) => `${name}.${ending}`))
  .filter((name) => PM2_FILE.test(name));
const SUPERVISORD_FILES = ['supervisord.conf', 'supervisor.conf', 'etc/supervisord.conf'];

/** All that is found, a process manager's own file first: it says most. */
export async function findSources(place: Place): Promise<readonly Source[]> {
  const inDir = (...names: readonly string[]): readonly string[] =>
    names.map((name) => join(place.dir, name)).filter((path) => kindOf(path) === 'file');
  const files = [
    ...inDir(...PM2_FILES).slice(0, 1),
    ...inDir(...SUPERVISORD_FILES).slice(0, 1),
    ...inDir('Procfile', 'package.json', 'manage.py', 'wsgi.py', 'config.ru'),
    ...inDir('artisan', ...FRONT_CONTROLLERS).slice(0, 1),
  ];
  return (await Promise.all(files.map((file) => sourcesOf(file, place)))).flat();
}

/** What one file says. @throws `usage` for a file of an unknown kind, or with nothing in it; `config` for a broken one. */
export async function sourcesIn(file: string, place: Place): Promise<readonly Source[]> {
  const found = kindOf(file);
  if (found === null) throw fail('usage', `--from: there is no ${file}`, {});
  if (found === 'directory') throw fail('usage', `--from: found a directory, ${file}, expected a file`, {});
  const sources = await sourcesOf(file, place);
  if (sources.length === 0) throw nothingIn(file);
  return sources;
}

/** Null where nothing is, or nothing that this user may see. */
function kindOf(path: string): 'file' | 'directory' | null {
  try {
    return statSync(path).isDirectory() ? 'directory' : 'file';
  } catch {
    // ENOENT, ENOTDIR, EACCES or ELOOP.
    return null;
  }
}

const nothingIn = (file: string): GracefulError =>
  fail('usage', `--from: found nothing to start in ${file}`, {
    hint: 'it takes package.json, Procfile, manage.py, wsgi.py, config.ru, artisan, index.php, a pm2 ecosystem file or a supervisord *.conf',
  });

async function sourcesOf(file: string, place: Place): Promise<readonly Source[]> {
  const name = basename(file);
  const { dir } = place;
  const one = (kind: SourceKind, draft: () => Draft | null | Promise<Draft | null>): readonly Source[] => [
    { kind, file, app: null, draft: async () => draft() },
  ];
  if (PM2_FILE.test(name))
    return pm2Apps(await readData(file)).map((app) => ({
      kind: 'pm2',
      file,
      app: app.name,
      draft: () => fromPm2(app, file, dir),
    }));
  if (/\.(?:conf|ini)$/.test(name))
    return supervisordPrograms(file).map((program) => ({
      kind: 'supervisord',
      file,
      app: program.name,
      draft: async () => fromSupervisord(program, file, dir, place.env),
    }));
  if (name.startsWith('Procfile')) return one('procfile', () => fromProcfile(file, dir));
  if (name === 'package.json') return one('node', () => fromPackage(file, dir));
  if (name === 'manage.py' || name === 'wsgi.py') return one('django', () => fromPython(dir));
  if (name === 'config.ru') return one('rack', () => fromRack(dir));
  if (name === 'artisan' || name === 'index.php') return one('php', () => fromPhp(dir, place.isRoot));
  return [];
}
