// The configuration file as a person writes it. A table: what each key takes, means and defaults to.
import { constants } from 'node:os';
import {
  array,
  boolean,
  description,
  type InferInput,
  type InferOutput,
  integer,
  literal,
  maxValue,
  minValue,
  null_,
  number,
  optional,
  picklist,
  pipe,
  record,
  regex,
  string,
  union,
} from 'valibot';
import { health } from './health-schema.ts';
import { release } from './release-schema.ts';
import { closed, command, duration, notAnArray, parsedBy, positiveDuration, text } from './schema-parts.ts';
import { parseSocketMode, SOCKET_MODE_PATTERN } from './socket-mode.ts';

const NAME = 'letters, digits, dots, dashes and underscores, beginning with a letter or a digit';
const VALUE =
  'a string, a number of at most 15 digits (in quotes it may have more), true, false, or null to remove the variable';
const VARIABLE = 'the name of a variable, without "="';
const ENV_FILES = 'a path or an array of paths';
const MODE = 'an octal string such as "0660" that lets the owner read and write';
const LISTEN = '"path", "inherit" or "redirect"';
const WORKERS = 'a whole number from 1 to 1000';
const LOG = '"file" or "inherit"';
const SIGNAL = 'the name of a signal, such as SIGTERM';
const CRON = 'a cron expression of five or six fields such as "*/5 * * * *", or null to turn it off';
const ZONE = 'a time zone such as Europe/Berlin';

const argv = (meaning: string) =>
  pipe(command, description(`${meaning} As an argv array or one string; no shell runs.`));

/** Only the shape: the fields' ranges are checked by the scheduler, which only `graceful run` loads. */
const CRON_PATTERN = /^\s*(?:@[a-z]+|[\w*,/?#-]+(?:\s+[\w*,/?#-]+){4,5})\s*$/;
const cron = (meaning: string) =>
  pipe(
    union([pipe(string(CRON), regex(CRON_PATTERN, CRON)), null_(CRON), literal(false, CRON)], CRON),
    description(meaning),
  );

const schedule = closed({
  keepalive: optional(cron('When `graceful run` checks the app and repairs it. null turns it off.'), '* * * * *'),
  stopInactive: optional(
    cron('When `graceful run` stops a slot that is not active. null turns it off.'),
    '*/5 * * * *',
  ),
  stopInactiveOlderThan: optional(
    duration('The scheduled stop leaves alone what was switched away from more recently than this.'),
    '5m',
  ),
  timeZone: optional(
    pipe(
      string(ZONE),
      description("Time zone of the cron expressions; the system's by default."),
      parsedBy(parseTimeZone, ZONE),
    ),
  ),
});

const hooks = closed({
  beforeStart: optional(argv('Runs before a backend is started; if it fails, so does the operation.')),
  afterSwitch: optional(argv('Runs after traffic has moved.')),
  afterFailure: optional(argv('Runs after an operation has failed.')),
  timeout: optional(positiveDuration('How long each of them may take; as long as `startTimeout` by default.')),
});

/** Beyond that JavaScript has changed its last digits by the time it is seen: an ID would not be that ID. */
const MOST = 999_999_999_999_999;
const keptNumber = pipe(number(VALUE), minValue(-MOST, VALUE), maxValue(MOST, VALUE));

const env = notAnArray(
  record(
    pipe(string(VARIABLE), regex(/^[^=]+$/, VARIABLE)),
    union([string(VALUE), keptNumber, boolean(VALUE), null_(VALUE)], VALUE),
    'an object',
  ),
);

/** The whole file. Its output has the defaults filled in, and durations in milliseconds. */
export const fileSchema = closed({
  $schema: optional(pipe(string('a URL or path'), description('Where an editor finds the JSON Schema of this file.'))),
  command: pipe(
    command,
    description('The app: argv array, or one string split as a shell would split words (no shell runs).'),
  ),
  name: optional(
    pipe(string(NAME), regex(/^[A-Za-z0-9][\w.-]*$/, NAME), description('Prefix of every file in the state dir.')),
    'app',
  ),
  stateDir: optional(
    pipe(text('a path'), description('Directory of sockets, pid files and logs. Created 0750 if missing.')),
    'var/run',
  ),
  cwd: optional(
    pipe(text('a path'), description('Working directory of the app. Symlinks are resolved afresh at every start.')),
    '.',
  ),
  env: optional(
    pipe(env, description('Environment variables of the app, stronger than envFile. null removes one.')),
    {},
  ),
  envFile: optional(
    pipe(
      union([text(ENV_FILES), array(text(ENV_FILES), ENV_FILES)], ENV_FILES),
      description('dotenv files, read afresh at every start; later ones are stronger.'),
    ),
    [],
  ),
  listen: optional(
    pipe(
      picklist(['path', 'inherit', 'redirect'], LISTEN),
      description(
        '`path`: the app binds $GRACEFUL_SOCKET. `inherit`: graceful binds it, and the app gets it as descriptor 3 (LISTEN_FDS). `redirect`: a Node app listens at its port, and finds itself at the socket.',
      ),
    ),
    'path',
  ),
  workers: optional(
    pipe(
      number(WORKERS),
      integer(WORKERS),
      minValue(1, WORKERS),
      maxValue(1_000, WORKERS),
      description('Processes that share the socket of a slot; more than one needs `listen: inherit` or `redirect`.'),
    ),
    1,
  ),
  socketMode: optional(
    pipe(
      union([pipe(string(MODE), regex(SOCKET_MODE_PATTERN, MODE)), number(MODE)], MODE),
      description('Mode of the socket, set before traffic can reach it. Write it as an octal string: "0660".'),
      parsedBy(parseSocketMode, MODE),
    ),
    '0660',
  ),
  socketGroup: optional(pipe(text('the name of a group'), description('Group of the socket, usually that of nginx.'))),
  health: optional(pipe(health, description('How a backend proves that it can take requests.')), { type: 'connect' }),
  startTimeout: optional(positiveDuration('From the start of a backend until it must be ready.'), '60s'),
  drainTimeout: optional(duration('How long to wait for the last connection to close.'), '30s'),
  stopSignal: optional(
    pipe(
      string(SIGNAL),
      regex(/^SIG[A-Z0-9]+$/, SIGNAL),
      description('Signal that asks the app to stop.'),
      parsedBy(parseSignal, SIGNAL),
    ),
    'SIGTERM',
  ),
  stopTimeout: optional(duration('From the stop signal to SIGKILL for the whole process group.'), '10s'),
  log: optional(
    pipe(
      picklist(['file', 'inherit'], LOG),
      description(
        '`inherit`: `graceful run` also prints what the backends write to their log files, each line with app and slot.',
      ),
    ),
    'file',
  ),
  schedule: optional(pipe(schedule, description('What `graceful run` does by itself, and when.')), {}),
  release: optional(pipe(release, description('`git`: each update runs from a worktree of its commit.'))),
  hooks: optional(pipe(hooks, description('Programs that run at a moment of an operation.')), {}),
});

/** The file as it is written. */
export type FileInput = InferInput<typeof fileSchema>;

/** The file once it is found valid: defaults filled in, durations in milliseconds, paths still as written. */
export type FileOutput = InferOutput<typeof fileSchema>;

function parseSignal(name: string): NodeJS.Signals | null {
  return Object.hasOwn(constants.signals, name) ? (name as NodeJS.Signals) : null;
}

function parseTimeZone(timeZone: string): string | null {
  try {
    return new Intl.DateTimeFormat('en', { timeZone }).resolvedOptions().timeZone && timeZone;
  } catch {
    // RangeError: no such zone in ICU's table.
    return null;
  }
}
