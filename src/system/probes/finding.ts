// What every kind of probe is given, and what it answers.
import type { Slot } from '../../core/slot.ts';

/** What a probe is pointed at. */
export interface ProbeTarget {
  readonly slot: Slot;
  /** Where to connect: the slot's socket, or the link. */
  readonly socketPath: string;
  /** The slot's socket: the name in the kernel's table, also for a connect through the link. */
  readonly realSocketPath: string;
  /** Leader of the backend behind it: its network namespace has the socket's row. */
  readonly pid: number;
  readonly instance: string;
  /** It has passed the gate once. */
  readonly wasReady: boolean;
  readonly saidPath: string;
}

/** What one kind of probe found. */
export interface Finding {
  readonly ok: boolean;
  readonly detail: string;
}

/** Why a connect failed, in words. */
export const describeErrno = (error: NodeJS.ErrnoException): string => {
  switch (error.code) {
    case 'ECONNREFUSED':
      return 'connection refused';
    case 'ENOENT':
      return 'no socket yet';
    case 'EACCES':
      return 'permission denied';
    case 'EAGAIN':
      return 'its backlog is full';
    default:
      return error.code ?? error.message;
  }
};
