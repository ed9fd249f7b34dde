// What only a supervisor tells, in English; everything else it tells in the words of the command line.
import type { GracefulEvent, SupervisorEvent } from '../core/events.ts';
import { describe } from './describe.ts';
import { printable } from './text.ts';
import { humanDuration } from './units.ts';

/** Priorities of sd-daemon(3), as journald reads them at the start of a line. */
export type Priority = 3 | 4 | 5 | 6;

export const describeHostEvent = (event: GracefulEvent | SupervisorEvent): string =>
  isSupervisorEvent(event) ? printable(sentence(event)) : describe(event);

/** 3 error, 4 warning, 5 notice, 6 information. */
export const priorityOf = (event: GracefulEvent | SupervisorEvent): Priority => {
  switch (event.type) {
    case 'operation-failed':
    case 'config-rejected':
      return 3;
    case 'backend-died':
    case 'worker-exited':
    case 'backend-found-dead':
    case 'health-failed':
    case 'hook-failed':
    case 'connections-cut':
    case 'retry-scheduled':
    case 'traffic-restored':
    case 'warned':
      return 4;
    case 'traffic-switched':
    case 'supervisor-started':
    case 'supervisor-stopping':
      return 5;
    default:
      return 6;
  }
};

const SUPERVISOR_EVENTS: Readonly<Record<SupervisorEvent['type'], true>> = {
  'supervisor-started': true,
  'backend-adopted': true,
  'backend-died': true,
  'worker-exited': true,
  'retry-scheduled': true,
  'operation-started': true,
  'operation-completed': true,
  'operation-failed': true,
  'tick-skipped': true,
  'config-reread': true,
  'config-rejected': true,
  'supervisor-stopping': true,
};

const isSupervisorEvent = (event: GracefulEvent | SupervisorEvent): event is SupervisorEvent =>
  Object.hasOwn(SUPERVISOR_EVENTS, event.type);

const sentence = (event: SupervisorEvent): string => {
  switch (event.type) {
    case 'supervisor-started':
      return `supervised by pid ${event.pid}, graceful ${event.version}`;
    case 'backend-adopted':
      return `${event.slot}: adopted, pid ${event.pid} was running already`;
    case 'backend-died':
      return `${event.slot}: died, pid ${event.pid} ${howItEnded(event)}`;
    case 'worker-exited':
      return `${event.slot}: worker ${event.worker} ${howItEnded(event)}; it is started again`;
    case 'retry-scheduled':
      return `next attempt in ${humanDuration(event.delayMs)}, after ${event.attempts} that did not last: ${event.reason}`;
    case 'operation-started':
      return `${event.operation}: asked for by ${event.by}`;
    case 'operation-completed':
      return `${event.operation}: done in ${humanDuration(event.ms)}`;
    case 'operation-failed':
      return `${event.operation}: failed (${event.code}): ${event.message}`;
    case 'tick-skipped':
      return `${event.job}: skipped this time, ${event.reason}`;
    case 'config-reread':
      return `read ${event.file} afresh`;
    case 'config-rejected':
      return `kept the old configuration, the new one is wrong: ${event.message}`;
    case 'supervisor-stopping':
      return `leaving (${event.by}); the backends are ${event.backends}`;
    default:
      return event satisfies never;
  }
};

const howItEnded = ({
  exitCode,
  signal,
}: Extract<SupervisorEvent, { type: 'backend-died' | 'worker-exited' }>): string => {
  if (signal !== null) return `was killed by ${signal}`;
  return exitCode === null ? 'has gone' : `exited with code ${exitCode}`;
};
