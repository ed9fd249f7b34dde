// Failures in English, for an operator at 3 a.m.: what happened, what that means for traffic, where to look, what to type.
// Traffic is said to be where it was only where no event has said otherwise.
import type { ConfigProblem, FailureDetails, FailureRecord } from '../core/failure.ts';
import type { Slot } from '../core/slot.ts';
import { shortRelease } from './short-release.ts';
import { printable } from './text.ts';
import { humanDuration } from './units.ts';

/**
 * The full text: the first line says what happened, the indented ones are evidence, the last ones say what to do.
 * `movedTo`: where the operation had led the traffic by then, null where that was where it had been.
 */
export const describeFailure = (failure: FailureRecord, movedTo: Slot | null): string => {
  const { what, evidence = [], next } = account(failure, whereTraffic(movedTo));
  return [printable(what), ...evidence.map((line) => `  ${line}`), ...next].join('\n');
};

interface Account {
  readonly what: string;
  /** Already printable; indented below the first line, never wrapped. */
  readonly evidence?: readonly string[];
  readonly next: readonly string[];
}

const UNMOVED = 'Traffic is where it was.';
const whereTraffic = (movedTo: Slot | null): string =>
  movedTo === null ? UNMOVED : `Traffic had moved to ${movedTo} before that, and stays there.`;
/** For what is refused before anything is begun, unless something was done before that. */
const nothingDone = (traffic: string): string => (traffic === UNMOVED ? 'Nothing was done.' : traffic);
const LOOK = '`graceful status` shows what is serving now.';

const account = (failure: FailureRecord, traffic: string): Account => {
  switch (failure.code) {
    case 'usage':
      return {
        what: failure.message,
        next: [failure.details.hint === undefined ? '`graceful --help` shows how.' : `Hint: ${failure.details.hint}`],
      };
    case 'config': {
      const { file, problems } = failure.details;
      return {
        what:
          problems.length === 0
            ? failure.message
            : `${file === null ? 'there is no usable configuration' : `${file} is wrong`}:`,
        evidence: problems.map(problemLine),
        next: [nothingDone(traffic)],
      };
    }
    case 'state-dir': {
      const { path, found, expected } = failure.details;
      return {
        what: `the state dir cannot be used: ${path}`,
        evidence: facts({ found, expected }),
        next: ['Nothing was done. Put this right, or name another with --state-dir.'],
      };
    }
    case 'busy': {
      const { pid, operation, since, waitedMs, leaving } = failure.details;
      if (leaving === true)
        return {
          what: failure.message,
          next: ['Nothing was done. Try again when it has left, or the next one has come.'],
        };
      if (operation === 'run')
        return {
          what: failure.message,
          next: ['`graceful status` asks it how it is; SIGUSR2 makes it leave without touching the backends.'],
        };
      const who = `${operation ?? 'another operation'}${pid === null ? '' : ` (pid ${pid})`}${since === null ? '' : ` since ${since}`}`;
      return {
        what: `busy: ${who} holds the lock${waitedMs > 0 ? `, waited ${humanDuration(waitedMs)}` : ''}`,
        next: [`${nothingDone(traffic)} Try again later, or wait longer with --wait 5m.`],
      };
    }
    case 'lock-lost':
      return {
        what: `the lock was taken away while it was held: ${failure.details.path}`,
        next: [`Somebody removed it, or the machine slept. ${LOOK}`],
      };
    case 'not-executable': {
      const { slot, command, reason } = failure.details;
      return {
        what: `${slot}: ${command} cannot be executed: ${reason}`,
        next: [traffic, 'Check `command` and `cwd` in the configuration.'],
      };
    }
    case 'backend-exited': {
      const { slot, exitCode, signal, ms, during, log, logPath } = failure.details;
      const how =
        signal !== null ? `was killed by ${signal}` : exitCode === null ? 'exited' : `exited with code ${exitCode}`;
      return {
        what: `${slot}: the backend ${how} after ${humanDuration(ms)}, ${during === undefined ? 'before it was ready' : 'during its warm-up'}`,
        evidence: logTail(log, logPath),
        next: [traffic, AGAIN],
      };
    }
    case 'not-ready': {
      const { slot, timeoutMs, lastProbe, listensAt, expected, log, logPath } = failure.details;
      const listens = listensAt.length === 0 ? 'nowhere' : listensAt.join(', ');
      const misplaced = !listensAt.includes(expected);
      const atPort = listensAt.some((place) => place.startsWith('TCP port'));
      return {
        what: `${slot}: the backend was not ready within ${humanDuration(timeoutMs)}`,
        evidence: [...facts({ 'last probe': lastProbe, 'listens at': listens, expected }), ...logTail(log, logPath)],
        next: [
          traffic,
          misplaced
            ? `Make the app listen at GRACEFUL_SOCKET (or {socket} in \`command\`)${atPort ? ', or if it is a Node app, set `listen: redirect`' : ''}, then run the command again.`
            : AGAIN,
        ],
      };
    }
    case 'socket-in-use': {
      const { slot, path, by } = failure.details;
      return {
        what: `${slot}: somebody else listens on its socket`,
        evidence: facts({ socket: path, 'held by': by }),
        next: [traffic, 'Stop that process, or use another stateDir or name, then run the command again.'],
      };
    }
    case 'link-not-ours': {
      const { path, found } = failure.details;
      return {
        what: 'the path of the link holds something else',
        evidence: facts({ path, found, expected: 'a symlink to one of the two sockets, or nothing' }),
        next: [traffic, 'Move it out of the way, then run the command again.'],
      };
    }
    case 'slot-not-ready': {
      const { slot, state, detail } = failure.details;
      return {
        what: `${slot} is ${state} and cannot take the traffic${detail === '' ? '' : `: ${detail}`}`,
        next: [traffic, state === 'stopped' ? `\`graceful start ${slot}\` starts it.` : LOOK],
      };
    }
    case 'would-lose-traffic': {
      const { slot, reason } = failure.details;
      return {
        what: `refused to stop ${slot}: ${reason}`,
        next: [
          traffic,
          `\`graceful update\` or \`graceful switch\` moves it first; \`graceful stop ${slot} --force\` stops ${slot} all the same.`,
        ],
      };
    }
    case 'cannot-roll-back':
      return { ...noWayBack(failure.details, traffic), what: `cannot roll back: ${whyNoWayBack(failure.details)}` };
    case 'verify-failed': {
      const { slot, detail } = failure.details;
      return {
        what: `${slot} was ready but did not answer through the link: ${detail}`,
        next: [
          traffic === UNMOVED
            ? 'The switch was undone: traffic is where it was.'
            : `That switch was undone. ${traffic}`,
          LOOK,
        ],
      };
    }
    case 'release-failed': {
      const { command, reason, output } = failure.details;
      return {
        what: `the release cannot be run from: ${command}: ${reason}`,
        evidence: quoted(output),
        next: [traffic, 'Put that right, then run the command again: what was half made is made anew.'],
      };
    }
    case 'hook-failed': {
      const { hook, reason, output } = failure.details;
      return {
        what: `hook ${hook} failed: ${reason}`,
        evidence: quoted(output),
        next: [traffic, `Check \`hooks.${hook}\` in the configuration.`],
      };
    }
    case 'stop-failed': {
      const { slot, pid, reason } = failure.details;
      return {
        what: `${slot}: pid ${pid} could not be stopped: ${reason}`,
        next: [`\`ps -o pid,user,stat,wchan,args -p ${pid}\` shows what keeps it. ${LOOK}`],
      };
    }
    case 'aborted':
      return {
        what: `aborted by ${failure.details.by}`,
        next: [
          traffic === UNMOVED
            ? `What had been done was undone. ${traffic}`
            : `${traffic} What was left to do was not done.`,
        ],
      };
    case 'rolled-back': {
      const { slot, to, reason, detail, afterMs, release, log, logPath } = failure.details;
      const version = release === null ? 'the new version' : `release ${shortRelease(release)}`;
      return {
        what: `${slot}: ${version} ${reason} ${humanDuration(afterMs)} after the switch, and traffic went back to ${to}`,
        evidence: [...facts({ 'last probe': detail }), ...logTail(log, logPath)],
        next: [`${to} serves as before.`, AGAIN],
      };
    }
    case 'superseded':
      if (failure.details.by !== 'stop') return { what: `${failure.message}; the latest wish wins`, next: [LOOK] };
      return {
        what: 'the app was taken down by another command meanwhile; the latest wish wins',
        next: ['`graceful start` or `graceful update` brings it up again.'],
      };
    case 'not-serving':
      return {
        what: `nothing ready is serving: ${failure.details.reason}`,
        next: ['`graceful status` shows both slots; `graceful start` or `graceful update` brings one up.'],
      };
    case 'connection-lost':
      return {
        what: `how it ended is unknown: ${failure.details.reason}`,
        next: ['The operation may have gone on without us.', LOOK],
      };
    case 'setup-failed':
      return {
        what: failure.message,
        evidence: quoted(failure.details.output),
        next: [`Nothing was changed.${failure.details.hint === null ? '' : ` Hint: ${failure.details.hint}`}`],
      };
    case 'system': {
      const { errno, call, path } = failure.details;
      const where = [...(call === null ? [] : [call]), ...(path === null ? [] : [path])].join(' ');
      return {
        what: failure.message,
        evidence: failure.message.includes(errno) ? [] : facts({ refused: `${errno} ${where}`.trim() }),
        next: [...(ERRNO_HINTS[errno] ?? []), LOOK],
      };
    }
    case 'internal':
      return {
        what: `a bug in graceful: ${failure.message}`,
        evidence: failure.details.stack.split('\n').map((line) => printable(line)),
        next: ['Please report it with the lines above.', LOOK],
      };
    default:
      return unreachable(failure);
  }
};

type NoWayBack = FailureDetails['cannot-roll-back'];

const whyNoWayBack = ({ why, detail, before }: NoWayBack): string => {
  switch (why) {
    case 'nothing-serves':
      return 'nothing serves';
    case 'none-before':
      return 'no version before this one is known';
    case 'stopped':
      return `the version before was stopped${before?.stoppedBy == null ? '' : ` by ${before.stoppedBy}`} at ${detail}`;
    case 'died':
      return `the version before was found dead at ${detail}`;
    case 'gone':
      return 'the version before runs no longer';
    case 'unready':
      return `the version before runs and is not ready: ${detail}`;
  }
};

const noWayBack = ({ why, before }: NoWayBack, traffic: string): Omit<Account, 'what'> => {
  if (why === 'nothing-serves') return { next: ['`graceful start` or `graceful update` brings the app up.'] };
  if (before === null) return { next: [traffic, '`graceful switch` sends it to the other slot, if that is ready.'] };
  const { cwd, release } = before;
  const found = { gone: 'no longer there', same: 'the new version is there now', changed: 'other code is there now' };
  const evidence = facts({
    ...(release === null ? {} : { release }),
    directory: `${cwd} (${found[before.directory]})`,
  });
  const bring = release === null ? 'Bring the old code back' : `Bring the code of ${release} back`;
  return { evidence, next: [traffic, `${bring}, then \`graceful update\` puts it into service.`] };
};

const AGAIN = 'Find the reason in the log, then run the command again.';

const ERRNO_HINTS: Readonly<Record<string, readonly string[]>> = {
  EACCES: ['Run it as the user who owns the state dir and may signal the backends.'],
  EPERM: ['Run it as the user who owns the state dir and may signal the backends.'],
  ENOSPC: ['The disk is full: `df -h` and `df -i` show which.'],
  EROFS: ['The file system is mounted read-only.'],
  EMFILE: ['Too many open files: `ulimit -n` shows the limit.'],
  ENFILE: ['Too many open files on this machine: `sysctl fs.file-nr` shows them and the limit.'],
  EAGAIN: ['No more processes: `ulimit -u` and the pids limit of the cgroup bound them.'],
  ENOMEM: ['The memory is used up: `free -h` and the memory limit of the cgroup show it.'],
  MODULE_NOT_FOUND: ['Install it again: `npm install -g` of the same package.'],
  ERR_MODULE_NOT_FOUND: ['Install it again: `npm install -g` of the same package.'],
  EIO: ['The disk or its file system is broken: `dmesg` says more.'],
};

const problemLine = ({ key, found, expected, suggestion }: ConfigProblem): string =>
  printable(
    `${key === '' ? '' : `${key}: `}found ${found}, expected ${expected}${suggestion === undefined ? '' : ` (did you mean ${suggestion}?)`}`,
  );

/** Labels in a column, so that what was found stands right above what was expected. */
const facts = (labelled: Readonly<Record<string, string>>): readonly string[] => {
  const width = Math.max(...Object.keys(labelled).map((label) => label.length)) + 1;
  return Object.entries(labelled).map(([label, value]) => `${`${label}:`.padEnd(width)} ${printable(value)}`);
};

const logTail = (log: readonly string[], logPath: string): readonly string[] =>
  log.length === 0 ? [`It wrote nothing to ${logPath}`] : [`Last lines of ${logPath}:`, ...quoted(log)];

const quoted = (lines: readonly string[]): readonly string[] => lines.map((line) => `| ${printable(line)}`.trimEnd());

/** A newer supervisor may know more codes: its message says it. To the compiler it cannot happen. */
const unreachable = (failure: never): Account => ({ what: (failure as FailureRecord).message, next: [LOOK] });
