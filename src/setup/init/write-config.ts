// The configuration as text: YAML, because it has comments. Each value is a scalar or a flow collection that JSON would
// write the same way, so nothing can be misread.
import type { FileInput } from '../../config/schema.ts';
import type { Draft, Settings } from './draft.ts';

type Key = keyof FileInput;

/** In the order of the file. What is not set stands there as a comment with its default. */
const KEYS: readonly (readonly [key: Key, meaning: string, example?: string])[] = [
  ['command', 'The app. No shell runs. {socket} is the unix socket of its slot.'],
  ['name', 'Prefix of every file in the state dir; nginx connects to NAME.socket.'],
  ['cwd', 'Working directory of the app, relative to this file. May be a link such as `current`.', '.'],
  ['stateDir', 'Sockets, pid files and logs. nginx must be able to get in.', 'var/run'],
  ['socketGroup', "Group of the socket: nginx's.", 'www-data'],
  ['env', 'Variables of the app. What cron or a supervisor starts has none of your shell.', '{ KEY: value }'],
  ['envFile', 'A dotenv file, read afresh at every start.', '.env'],
  ['health', 'How a backend proves that it can take requests.', '{ type: http, path: /healthz }'],
  ['startTimeout', 'From the start of a backend until it must be ready.', '60s'],
  ['drainTimeout', 'How long to wait for the last connection to close: longer than the slowest request.', '30s'],
  ['stopSignal', 'Asks the app to stop, once nobody is connected to it any more.', 'SIGTERM'],
  ['stopTimeout', 'From the stop signal to SIGKILL.', '10s'],
  ['hooks', 'Programs that run before a start, after a switch, after a failure.', '{ beforeStart: ./migrate }'],
];

export function renderConfig({ settings, remarks, source, listening, lost }: Draft): string {
  return [
    `# ${settings.name ?? 'app'}, for graceful${source === null ? '' : `; made from ${source}`}. Every key: docs/configuration.md of gracefuld.`,
    ...comment(listening),
    ...KEYS.flatMap(([key, meaning, example]) =>
      entry(settings, key, [meaning, remarks[key] ?? ''].join(' ').trim(), example),
    ),
    ...(lost.length === 0 ? [] : ['', `# Not carried over from ${source ?? 'the command'}:`]),
    ...lost.flatMap(({ what, why }) => comment(`- ${what}: ${why}`)),
    '',
  ].join('\n');
}

function entry(settings: Settings, key: Key, meaning: string, example = ''): readonly string[] {
  const value = settings[key];
  if (value === undefined) return ['', ...comment(meaning), `# ${key}: ${example}`];
  return ['', ...comment(meaning), ...lines(key, value)];
}

const WIDTH = 110;

function lines(key: string, value: unknown): readonly string[] {
  const line = `${key}: ${inline(value)}`;
  if (line.length <= WIDTH && key !== 'env') return [line];
  if (Array.isArray(value)) return [`${key}:`, ...value.map((item) => `  - ${inline(item)}`)];
  if (typeof value === 'object' && value !== null && Object.keys(value).length > 0)
    return [`${key}:`, ...Object.entries(value).map(([name, inner]) => `  ${scalar(name)}: ${inline(inner)}`)];
  return [line];
}

function inline(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((item) => JSON.stringify(item)).join(', ')}]`;
  if (typeof value === 'object' && value !== null)
    return `{ ${Object.entries(value)
      .map(([name, inner]) => `${scalar(name)}: ${inline(inner)}`)
      .join(', ')} }`;
  return typeof value === 'string' ? scalar(value) : JSON.stringify(value);
}

/** Plain where no reader of YAML, 1.1 or 1.2, could take it for anything but this string. */
const scalar = (text: string): string =>
  /^[A-Za-z/][\w./-]*$/.test(text) && !/^(?:y|n|yes|no|on|off|true|false|null|nan|inf)$/i.test(text)
    ? text
    : JSON.stringify(text);

const comment = (text: string): readonly string[] => {
  const rows: string[] = [];
  for (const word of text.replace(/\s+/g, ' ').split(' ')) {
    const last = rows.at(-1);
    if (last === undefined || `${last} ${word}`.length > WIDTH) rows.push(`# ${word}`);
    else rows[rows.length - 1] = `${last} ${word}`;
  }
  return rows;
};
