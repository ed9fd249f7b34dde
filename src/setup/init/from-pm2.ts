// One app of a pm2 ecosystem file. What pm2 does that graceful does differently, or not at all, is told.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, extname, isAbsolute, join, relative, resolve } from 'node:path';
import { parseDuration } from '../../config/duration.ts';
import { readCommandLine } from './command-line.ts';
import { type Draft, type Loss, toName } from './draft.ts';
import { draftOf } from './draft-of.ts';
import { PM2_LOST } from './pm2-keys.ts';
import { wordsOf } from './words.ts';

type Attributes = Readonly<Record<string, unknown>>;

export interface Pm2App {
  readonly name: string;
  readonly attributes: Attributes;
}

/** The apps of the file's content, in its four shapes: `{ apps: […] }`, `{ apps: {…} }`, `[…]` and one app alone. */
export function pm2Apps(content: unknown): readonly Pm2App[] {
  const apps = isObject(content) && 'apps' in content ? content['apps'] : content;
  return [apps]
    .flat()
    .filter(isObject)
    .filter((attributes) => typeof attributes['script'] === 'string' || typeof attributes['cmd'] === 'string')
    .map((attributes) => ({
      name: String(attributes['name'] ?? basename(scriptOf(attributes)).replace(/\.\w+$/, '')),
      attributes,
    }));
}

export async function fromPm2({ name, attributes }: Pm2App, file: string, dir: string): Promise<Draft> {
  const base = dirname(file);
  const cwd = resolve(base, String(attributes['cwd'] ?? '.'));
  const { argv, remark, env: assigned } = await commandOf(attributes, cwd);
  const { env, lost: lostEnv, remark: envRemark } = environmentOf(attributes);
  const { startTimeout, lost: lostTimeout } = listenTimeout(attributes);
  const stopTimeout = duration(attributes['kill_timeout']);
  const envFile = attributes['env_file'];
  return draftOf({
    kind: 'pm2',
    source: basename(file),
    settings: {
      command: argv,
      name: toName(name),
      ...(cwd === dir ? {} : { cwd: relative(dir, cwd) || '.' }),
      env: { ...assigned, ...env },
      ...(typeof envFile === 'string' ? { envFile: relative(dir, resolve(cwd, envFile)) } : {}),
      ...(startTimeout === null ? {} : { startTimeout }),
      stopSignal: 'SIGINT',
      ...(stopTimeout === null ? {} : { stopTimeout }),
    },
    remarks: {
      ...(remark === null ? {} : { command: remark }),
      ...(envRemark === null ? {} : { env: envRemark }),
      stopSignal: 'pm2 sends SIGINT, so the app may know how to end with that one.',
    },
    lost: [...lostEnv, ...lostTimeout, ...lostKeys(attributes)],
  });
}

const isObject = (value: unknown): value is Attributes =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const scriptOf = (attributes: Attributes): string => String(attributes['script'] ?? attributes['cmd'] ?? '');

/** What pm2 runs a file with, by its ending. */
const INTERPRETERS: Readonly<Record<string, string>> = {
  '.js': 'node',
  '.cjs': 'node',
  '.mjs': 'node',
  '.py': 'python3',
  '.sh': 'bash',
  '.rb': 'ruby',
  '.php': 'php',
  '.pl': 'perl',
  '.ts': 'bun',
  '.tsx': 'bun',
};

const WITHOUT_BUN = 'pm2 runs TypeScript with bun; where there is none, with a node from 22.18 on.';

async function commandOf(attributes: Attributes, cwd: string) {
  const script = scriptOf(attributes);
  const args = argumentsOf(attributes['args']);
  const path = isAbsolute(script) ? script : join(cwd, script);
  if (/\s/.test(script) && !existsSync(path)) {
    const { argv, env, needsShell } = await readCommandLine(script);
    return {
      argv: [...argv, ...args],
      env,
      remark: needsShell ? 'The script needs a shell, and so it is given one.' : null,
    };
  }
  const chosen = attributes['interpreter'] ?? attributes['exec_interpreter'];
  const interpreter =
    typeof chosen === 'string'
      ? chosen
      : (INTERPRETERS[extname(script)] ?? (runsByItself(script, path) ? 'none' : 'node'));
  const forIt = argumentsOf(attributes['node_args'] ?? attributes['interpreter_args'] ?? attributes['nodeArgs']);
  if (interpreter !== 'none')
    return {
      argv: [interpreter, ...forIt, script, ...args],
      env: {},
      remark: interpreter === 'bun' && chosen === undefined ? WITHOUT_BUN : null,
    };
  // Without a slash it would be looked for in PATH.
  const program = existsSync(path) && !script.includes('/') ? `./${script}` : script;
  return { argv: [program, ...args], env: {}, remark: null };
}

/** A program of PATH, or a file that says by its first line, or by its first bytes, what it is. */
function runsByItself(script: string, path: string): boolean {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return !script.includes('/');
  // Of a directory node runs what its package.json says.
  if (!stat.isFile()) return false;
  const head = readFileSync(path).subarray(0, 4).toString('latin1');
  return head.startsWith('#!') || head === '\x7fELF';
}

const argumentsOf = (value: unknown): readonly string[] =>
  Array.isArray(value) ? value.map(String) : typeof value === 'string' ? wordsOf(value) : [];

function environmentOf(attributes: Attributes) {
  const production = attributes['env_production'];
  const given = { ...asObject(attributes['env']), ...asObject(production) };
  const env: Record<string, string | number | boolean> = {};
  const lost: Loss[] = [];
  for (const [key, value] of Object.entries(given)) {
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') env[key] = value;
    else lost.push({ what: `env.${key}`, why: 'it is neither a string nor a number nor a boolean' });
  }
  for (const key of Object.keys(attributes))
    if (/^env_(?!production$|file$)/.test(key))
      lost.push({ what: key, why: 'a configuration has one environment; make a file for each' });
  return { env, lost, remark: isObject(production) ? 'env, and env_production over it.' : null };
}

const asObject = (value: unknown): Attributes => (isObject(value) ? value : {});

/** pm2 takes milliseconds, also as a string of digits. */
function duration(value: unknown): number | string | null {
  const given = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return (typeof given === 'number' || typeof given === 'string') && parseDuration(given) !== null ? given : null;
}

/** Where pm2 goes on all the same when this is over, an update of graceful fails. */
const SHORT_MS = 10_000;

function listenTimeout(attributes: Attributes): { startTimeout: number | string | null; lost: readonly Loss[] } {
  const given = duration(attributes['listen_timeout']);
  if (given === null) return { startTimeout: null, lost: [] };
  if ((parseDuration(given) ?? 0) >= SHORT_MS) return { startTimeout: given, lost: [] };
  const why = 'pm2 goes on when it is over, an update of graceful fails: startTimeout is left at 60s';
  return { startTimeout: null, lost: [{ what: `listen_timeout: ${given}`, why }] };
}

const CARRIED =
  /^(?:name|script|cmd|args|cwd|env|env_\w+|interpreter|exec_interpreter|node_args|interpreter_args|nodeArgs|kill_timeout|listen_timeout)$/;

const lostKeys = (attributes: Attributes): readonly Loss[] =>
  Object.entries(attributes)
    .filter(([key, value]) => !CARRIED.test(key) && value !== undefined && !isHarmless(key, value))
    .map(([key, value]) => ({
      what: isObject(value) || Array.isArray(value) ? key : `${key}: ${value}`,
      why: PM2_LOST[key] ?? 'graceful has nothing like it',
    }));

/** What says the same as graceful does anyhow. */
const isHarmless = (key: string, value: unknown): boolean =>
  (key === 'instances' && Number(value) === 1) ||
  (/^exec_mode$/.test(key) && /^fork/.test(String(value))) ||
  (key === 'watch' && value === false) ||
  (key === 'autorestart' && value === true);
