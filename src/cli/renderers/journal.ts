// A supervisor's log: one line per event to stdout, which under systemd is the journal.
import type { GracefulEvent, SupervisorEvent } from '../../core/events.ts';
import { describeHostEvent, priorityOf } from '../describe-supervisor.ts';
import { type OutputStream, outputTo } from '../output.ts';

export interface JournalOptions {
  readonly json: boolean;
  /** Begin each line with a priority, `<6>`, as journald understands it; sd-daemon(3). */
  readonly priorities: boolean;
  readonly stdout: OutputStream;
}

type AppEvent = (GracefulEvent | SupervisorEvent) & { readonly app: string };

export function journal({ json, priorities, stdout }: JournalOptions): (event: AppEvent) => void {
  const output = outputTo(stdout);
  return (event) => {
    if (json) output.write(`${JSON.stringify({ event })}\n`);
    // What is still being waited for is for people who watch; in a log it is noise.
    else if (event.type !== 'still-waiting') {
      const prefix = priorities ? `<${priorityOf(event)}>` : '';
      output.write(`${prefix}${event.app}: ${describeHostEvent(event)}\n`);
    }
  };
}
