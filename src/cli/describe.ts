// Events in English, one line each. Sentences about operations stand only here, in describe-outcome and in describe-failure.
import type { GracefulEvent } from '../core/events.ts';
import type { Slot } from '../core/slot.ts';
import { shortRelease } from './short-release.ts';
import { printable } from './text.ts';
import { humanDuration } from './units.ts';

/** The whole fact as one line: `b: ready after 3.2 s (200 OK)`. */
export const describe = (event: GracefulEvent): string => {
  const slot = subjectOf(event);
  return slot === null ? predicateOf(event) : `${slot}: ${predicateOf(event)}`;
};

/** The slot that the event is about, for renderers that give it a column of its own. */
export const subjectOf = (event: GracefulEvent): Slot | null => {
  if ('slot' in event && event.slot !== undefined) return event.slot;
  if (event.type === 'traffic-switched') return event.to;
  return null;
};

/** What is said about {@link subjectOf}: one printable line, whatever a backend or a hook put into it. */
export const predicateOf = (event: GracefulEvent): string => printable(sentence(event));

/** What is being waited for, short enough for a line that is redrawn. */
export const waitPhrase = (target: WaitTarget): string => WAIT_PHRASES[target];

type WaitTarget = (GracefulEvent & { readonly type: 'waiting' })['for'];

const WAIT_PHRASES: Readonly<Record<WaitTarget, string>> = {
  lock: 'waiting for another operation to finish',
  ready: 'waiting for health',
  drain: 'draining',
  release: 'preparing the release',
  exit: 'waiting for exit',
  'warm-up': 'warming up',
  watch: 'watching the new version',
};

const sentence = (event: GracefulEvent): string => {
  switch (event.type) {
    case 'waiting':
      return `${waitPhrase(event.for)}, up to ${humanDuration(event.timeoutMs)}${tail(event.detail)}`;
    case 'still-waiting':
      return `still ${waitPhrase(event.for)} after ${humanDuration(event.elapsedMs)}${tail(event.detail)}`;
    case 'lock-taken-over':
      return `took over the lock of ${event.operation ?? 'an operation'} that died${event.pid === null ? '' : ` (pid ${event.pid})`}`;
    case 'desired-changed':
      return event.desired === 'up'
        ? 'desired is up from now on'
        : 'desired is down from now on: keepalive leaves the app alone';
    case 'hook-succeeded':
      return `hook ${event.hook} done in ${humanDuration(event.ms)}`;
    case 'hook-failed':
      return `hook ${event.hook} failed: ${event.reason}${tail(event.output.at(-1))}`;
    case 'backend-started':
      return `started, pid ${event.pid}, in ${event.cwd}${event.release === null ? '' : ` (release ${shortRelease(event.release)})`}`;
    case 'backend-ready':
      return `ready after ${humanDuration(event.ms)}${inBrackets(event.detail)}`;
    case 'backend-warmed': {
      const asked = `${event.requests} ${event.requests === 1 ? 'request' : 'requests'} in ${humanDuration(event.ms)}`;
      return `warmed up, ${asked}${event.failed === 0 ? '' : `, ${event.failed} failed`}${tail(event.detail)}`;
    }
    case 'already-running':
      return `runs already, pid ${event.pid}, ${event.ready ? 'ready' : 'not ready'}${inBrackets(event.detail)}`;
    case 'health-failed':
      return `health check failed, ${event.failures} of ${event.limit} in a row${tail(event.detail)}`;
    case 'backend-found-dead':
      return `found dead, was pid ${event.pid}${tail(event.reason)}`;
    case 'traffic-switched':
      return `active now${event.from === null ? '' : `, traffic moved here from ${event.from}`}`;
    case 'switch-verified':
      return `answers through the link, in ${humanDuration(event.ms)}${inBrackets(event.detail)}`;
    case 'traffic-restored':
      return `${event.to === null ? 'the link is gone again, as before' : `traffic is back at ${event.to}`}${tail(event.reason)}`;
    case 'link-removed':
      return `link removed: no new connections${event.from === null ? '' : ` to ${event.from}`}`;
    case 'backend-drained':
      return event.method === 'socket-table'
        ? `drained after ${humanDuration(event.ms)}, no connection left`
        : `given ${humanDuration(event.ms)} to finish: connections cannot be counted here`;
    case 'connections-cut':
      return `${connections(event.count)} still open after ${humanDuration(event.afterMs)}: cut off`;
    case 'backend-signalled':
      return `sent ${event.signal} to pid ${event.pid}`;
    case 'backend-stopped':
      return `${event.killed ? 'killed' : 'stopped'} after ${humanDuration(event.ms)}, was pid ${event.pid}`;
    case 'stale-removed':
      return `removed ${event.path}${tail(event.reason)}`;
    case 'warned':
      return `warning: ${event.about}${tail(event.detail)}`;
    case 'abort-requested':
      return `${event.by}: aborting, undoing what was done`;
    case 'abort-refused':
      return `too late to undo${tail(event.reason)}`;
    case 'release-prepared':
      return `release ${shortRelease(event.release)} prepared in ${humanDuration(event.ms)}, in ${event.directory}`;
    case 'release-removed':
      return `removed the old release ${event.directory}`;
    case 'undone':
      return `undone: ${event.what}`;
    default:
      return unreachable(event);
  }
};

const connections = (count: number | null): string =>
  count === null ? 'connections perhaps' : count === 1 ? '1 connection' : `${count} connections`;

const tail = (detail: string | undefined): string => (detail === undefined || detail === '' ? '' : `: ${detail}`);

const inBrackets = (detail: string): string => (detail === '' ? '' : ` (${detail})`);

/** An event of a newer version may come over the control socket: say so rather than fail. To the compiler it cannot happen. */
const unreachable = (event: never): string => `unknown event ${(event as { readonly type: string }).type}`;
