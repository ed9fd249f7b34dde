// Why a supervisor does not do what it is asked for.
import type { Config } from '../../core/config.ts';
import { fail } from '../../core/failure.ts';

/** For people: the file, or what else there is. */
export const nameOf = ({ file, name }: Config): string => file ?? name;

export const leaving = () =>
  fail('busy', `the supervisor (pid ${process.pid}) is about to leave`, {
    pid: process.pid,
    operation: 'run',
    since: null,
    waitedMs: 0,
    leaving: true,
  });

/** The control socket and the backends are where the supervisor began. */
export const moved = ({ file, name, stateDir }: Config) =>
  fail('config', `${file ?? 'configuration'}: name and stateDir cannot change while a supervisor runs`, {
    file,
    problems: [
      {
        key: 'stateDir',
        found: 'another name or stateDir than when the supervisor began',
        expected: `${name} in ${stateDir}, or a restart of the supervisor`,
      },
    ],
  });
