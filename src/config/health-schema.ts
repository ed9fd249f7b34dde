// The `health` key: each type of check has its own keys, and only those.
import {
  array,
  description,
  integer,
  literal,
  minValue,
  nonEmpty,
  number,
  optional,
  pipe,
  regex,
  string,
  union,
  variant,
} from 'valibot';
import { closed, command, eitherBy, notAnArray, parsedBy, positiveDuration } from './schema-parts.ts';
import { parseStatusRanges, STATUS_PATTERN } from './status-ranges.ts';

const COUNT = 'a whole number, at least 1';
const NATURAL = 'a whole number, 0 for none';
const count = pipe(number(COUNT), integer(COUNT), minValue(1, COUNT));

const counts = {
  interval: optional(positiveDuration('Pause between two probes.'), '100ms'),
  successes: optional(pipe(count, description('Probes in a row that must pass before a backend counts as ready.')), 1),
  failures: optional(pipe(count, description('Probes in a row that must fail before keepalive acts.')), 3),
};

const limits = {
  timeout: optional(positiveDuration('How long one probe may take.'), '5s'),
  ...counts,
  warmup: optional(
    pipe(
      number(NATURAL),
      integer(NATURAL),
      minValue(0, NATURAL),
      description('Requests to a backend that is ready, before traffic moves to it.'),
    ),
    0,
  ),
};

const type = <Name extends string>(name: Name, meaning: string) => pipe(literal(name, name), description(meaning));

const PATH = 'a path and query that start with "/", without spaces';
const HOST = 'a host name';
const SCRIPT = 'the path of a script';
const STATUS = 'status codes such as 200, "200-399" or "200,204,300-399"';
const CODE = pipe(number(STATUS), integer(STATUS));
const CODES = pipe(string(STATUS), regex(STATUS_PATTERN, STATUS));

const path = optional(
  pipe(string(PATH), regex(/^\/[!-~]*$/, PATH), description('Path and query of the request.')),
  '/healthz',
);
const status = optional(
  pipe(
    union([CODE, CODES, array(union([CODE, CODES], STATUS), STATUS)], STATUS),
    description('Status codes that pass: a number, a string such as "200,204,300-399", or an array of those.'),
    parsedBy(parseStatusRanges, STATUS),
  ),
  '200-399',
);
const PATHS = `${PATH}, or an array of those`;
const onePath = pipe(string(PATHS), regex(/^\/[!-~]*$/, PATHS));
const warmupPath = optional(
  pipe(
    union([onePath, array(onePath, PATHS)], PATHS),
    description('Paths that the warm-up asks for by turns; `path` unless said otherwise.'),
  ),
  [],
);
const host = optional(pipe(string(HOST), regex(/^[!-~]+$/, HOST), description('The Host header.')), 'localhost');

const CHECK = 'an object such as { "type": "connect" }';

const check = notAnArray(
  variant(
    'type',
    [
      closed({ type: type('connect', 'Healthy when the socket accepts a connection.'), ...limits }),
      closed({
        type: type('http', 'Healthy when a GET request over the socket is answered with one of the statuses.'),
        path,
        status,
        host,
        warmupPath,
        ...limits,
      }),
      closed({
        type: type('fastcgi', 'Healthy when a FastCGI request over the socket is answered with one of the statuses.'),
        path,
        script: optional(
          pipe(
            string(SCRIPT),
            regex(/^[ -~]+$/, SCRIPT),
            description('SCRIPT_FILENAME, relative to where the FastCGI server looks; the path unless said otherwise.'),
          ),
        ),
        status,
        host,
        warmupPath,
        ...limits,
      }),
      closed({
        type: type('exec', 'Healthy when the command exits with 0.'),
        command: pipe(
          command,
          description('argv array, or one string split as a shell would split words (no shell runs).'),
        ),
        ...limits,
      }),
      closed({
        type: type('notify', 'Healthy once the backend has sent READY=1 to $NOTIFY_SOCKET, sd_notify(3).'),
        ...counts,
      }),
      closed({
        type: type('ipc', "Healthy once the backend has called process.send('ready'), as for pm2."),
        ...counts,
      }),
    ],
    (issue) => (issue.path === undefined ? CHECK : 'connect, http, fastcgi, exec, notify or ipc'),
  ),
);

const LIST = 'at least one check';

/** How a backend proves that it can take requests: by one check, or by all of a list. */
export const health = eitherBy((value) => Array.isArray(value), pipe(array(check, LIST), nonEmpty(LIST)), check, CHECK);
