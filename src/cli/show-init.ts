// What `graceful init` found, is going to write and has written, for people and for programs.
import type { Draft, Loss, SourceKind } from '../setup/init/draft.ts';
import type { InitPlan } from '../setup/init/plan.ts';
import { wrap } from './text.ts';

const KINDS: Readonly<Record<SourceKind, string>> = {
  command: 'a command',
  node: 'a Node app',
  procfile: 'a Procfile with a web process',
  django: 'a Django app',
  wsgi: 'a WSGI app',
  rack: 'a Rack app',
  php: 'a PHP app',
  pm2: 'a pm2 app',
  supervisord: 'a supervisord program',
};

const WIDTH = 100;

export const foundLine = ({ kind, source }: Draft, others: readonly string[]): string =>
  [
    `Found ${KINDS[kind]}${source === null ? '' : ` in ${source}`}.`,
    ...(others.length === 0 ? [] : [`Also here: ${others.join(', ')}; --from FILE takes another.`]),
  ].join(' ');

/** The text between two rules, then what has to be known besides. */
export const showPlan = ({ path, text, draft, others }: InitPlan): string =>
  [
    `--- ${path}`,
    text.trimEnd(),
    '---',
    ...others.flatMap((other) => [`--- ${other.path}, unless it is there already`, other.content.trimEnd(), '---']),
    ...wrap(draft.listening, WIDTH),
    ...lossLines(draft.source, draft.lost),
    '',
  ].join('\n');

export const lossLines = (source: string | null, lost: readonly Loss[]): readonly string[] =>
  lost.length === 0
    ? []
    : [
        `Not carried over from ${source ?? 'the command'}:`,
        ...lost.flatMap(({ what, why }) =>
          wrap(`${what}: ${why}`, WIDTH - 4).map((line, index) => `${index === 0 ? '  - ' : '    '}${line}`),
        ),
      ];

/** Lines about what was written and what comes next. */
export const wrote = (paths: readonly string[], advice: readonly string[]): string =>
  [
    ...paths.map((path) => `wrote ${path}`),
    ...advice,
    'Next:',
    '  graceful update                          start the app',
    '  graceful setup nginx --server-name NAME  what nginx needs; --write installs it',
    '  graceful setup crontab --write           keep the app up; or: graceful setup systemd',
    '',
  ].join('\n');
