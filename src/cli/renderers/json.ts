// --json: one line per event and last the outcome or the failure, all on stdout; the same lines as on the control socket.
import type { Output } from '../output.ts';
import type { Renderer } from './renderer.ts';

export interface JsonRendererOptions {
  readonly stdout: Output;
  /** With -q: the last line only. */
  readonly quiet: boolean;
  readonly now?: () => number;
}

export const jsonRenderer = ({ stdout, quiet, now = Date.now }: JsonRendererOptions): Renderer => {
  let seq = 0;
  const line = (value: unknown): void => stdout.write(`${JSON.stringify(value)}\n`);
  return {
    // An event that comes from a host has its stamp already and keeps it: `seq` shows a reader whether it missed some.
    event: (event) => {
      seq = event.seq ?? seq + 1;
      if (!quiet) line({ event: { ...event, at: event.at ?? new Date(now()).toISOString(), seq } });
    },
    outcome: (outcome) => line({ outcome }),
    failure: ({ code, message, details }) => line({ failure: { code, message, details } }),
    close: () => {},
  };
};
