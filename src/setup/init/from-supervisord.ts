// One program of a supervisord configuration.
import { hostname } from 'node:os';
import { basename, dirname, relative, resolve } from 'node:path';
import { type Draft, type Loss, toName } from './draft.ts';
import { draftOf } from './draft-of.ts';
import { readText } from './source-file.ts';
import { expand, readEnvironment, readSections } from './supervisor-file.ts';
import { withoutEnv, wordsOf } from './words.ts';

type Values = ReadonlyMap<string, string>;

export interface Program {
  readonly name: string;
  readonly values: Values;
  /** Those of `[supervisord]`, whose environment every program has. */
  readonly common: Values;
}

/** The `[program:…]` sections. */
export function supervisordPrograms(file: string): readonly Program[] {
  const sections = readSections(readText(file));
  const common = sections.find(({ name }) => name === 'supervisord')?.values ?? new Map();
  return sections
    .filter(({ name, values }) => name.startsWith('program:') && values.has('command'))
    .map(({ name, values }) => ({ name: name.slice('program:'.length), values, common }));
}

export function fromSupervisord(
  { name, values, common }: Program,
  file: string,
  dir: string,
  env: NodeJS.ProcessEnv,
): Draft {
  const unknown: Loss[] = [];
  const expansions = new Map([
    ...variables(env),
    ['here', dirname(resolve(file))],
    ['host_node_name', hostname()],
    ['program_name', name],
    ['group_name', name],
    ['process_num', values.get('numprocs_start') ?? '0'],
    ['numprocs', values.get('numprocs') ?? '1'],
  ]);
  const get = (key: string, from: Values = values): string | null => {
    const text = from.get(key);
    if (text === undefined) return null;
    return expand(text, (variable, whole) => {
      const value = expansions.get(variable);
      if (value === undefined) unknown.push({ what: `${key}: ${whole}`, why: 'it is not set here' });
      return value ?? '';
    });
  };
  /** What it sets can be named by all that is read after it. */
  const environment = (from: Values): Readonly<Record<string, string>> => {
    const set = readEnvironment(get('environment', from) ?? '');
    for (const [variable, value] of variables(set)) expansions.set(variable, value);
    return set;
  };
  const shared = environment(common);
  const own = environment(values);
  const { argv, env: assigned } = withoutEnv(wordsOf(get('command') ?? ''));
  const directory = get('directory');
  const cwd = resolve(dirname(file), directory ?? dir);
  const signal = get('stopsignal')
    ?.split(',')[0]
    ?.toUpperCase()
    .replace(/^(?!SIG)/, 'SIG');
  const patience = Number(get('stopwaitsecs') ?? Number.NaN);
  return draftOf({
    kind: 'supervisord',
    source: basename(file),
    settings: {
      command: argv,
      name: toName(name),
      ...(cwd === dir ? {} : { cwd: relative(dir, cwd) || '.' }),
      env: { ...shared, ...own, ...assigned },
      ...(signal === undefined || signal === 'SIGTERM' ? {} : { stopSignal: signal }),
      ...(Number.isFinite(patience) ? { stopTimeout: `${patience}s` } : {}),
    },
    remarks: Object.keys(shared).length === 0 ? {} : { env: "That of [supervisord], and the program's own over it." },
    lost: [...unknown, ...lostKeys(values)],
  });
}

const variables = (env: NodeJS.ProcessEnv): readonly (readonly [string, string])[] =>
  Object.entries(env).map(([key, value = '']) => [`ENV_${key}`, value]);

const RESTARTS = 'a backend that dies is always replaced; `graceful stop --all` takes the app down';
const LOGS = 'each slot has a log in the state dir; see docs/logs.md';
const KILLS = 'at the end of stopTimeout all that descends from a backend is killed';

const LOST: Readonly<Record<string, string>> = {
  user: 'a backend runs as the user who runs graceful: run it, and its crontab or unit, as that user',
  numprocs:
    '`workers` starts several, of an app that listens on descriptor 3 (docs/workers.md); or use the workers of the server',
  process_name: 'a slot has one backend',
  autostart: 'keepalive brings the app up after a boot, unless it was taken down with `graceful stop --all`',
  autorestart: RESTARTS,
  exitcodes: RESTARTS,
  startretries: 'keepalive tries again every minute, the supervisor with growing pauses',
  startsecs: 'an app is up when its health check passes',
  priority: 'apps do not wait for each other',
  stopasgroup: KILLS,
  killasgroup: KILLS,
  umask: 'mode and group of the socket are set by graceful (socketMode, socketGroup)',
  redirect_stderr: LOGS,
};

const CARRIED = ['command', 'directory', 'environment', 'stopsignal', 'stopwaitsecs'];

const lostKeys = (values: Values): readonly Loss[] =>
  [...values]
    .filter(([key, value]) => !CARRIED.includes(key) && !(key === 'numprocs' && value === '1'))
    .filter(([key, value]) => !((key === 'autostart' || key === 'autorestart') && value === 'true'))
    .map(([key, value]) => ({
      what: `${key}=${value.replaceAll('\n', ' ')}`,
      why: LOST[key] ?? (/^std(?:out|err)_/.test(key) ? LOGS : 'graceful has nothing like it'),
    }));
