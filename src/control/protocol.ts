// What goes over the supervisor's socket: HTTP, and NDJSON for everything that takes time. `curl --unix-socket` is enough.
//
//   POST /operations/NAME   {"input":{…},"waitMs":60000}  → events, one per line, then one line with the outcome or failure
//   POST /abort/ID          {"by":"Ctrl-C"}               → what the first Ctrl-C of a client does; ID is the answer's header
//   GET  /status            → one object, as `status --json`
//   GET  /events            → every event of this app from now on, one per line
//   GET  /metrics           → Prometheus text
//   POST /handover          → the supervisor leaves; the backends go on
import type { Caller } from '../core/history.ts';
import type { OperationInputs } from '../core/outcome.ts';

/** Header of the answer to POST /operations/NAME: what to abort. */
export const OPERATION_ID_HEADER = 'graceful-operation';

export interface OperationRequest<Name extends keyof OperationInputs> {
  readonly input?: Partial<OperationInputs[Name]>;
  /** How long to wait for another operation; milliseconds. */
  readonly waitMs?: number;
  /** Who asks, for the journal. */
  readonly by?: string;
  /** Who asks, for the history: every key of a Caller. */
  readonly caller?: Caller;
}

/** A request body of more than this is refused. */
export const MAX_BODY_BYTES = 64 * 1024;
/** Who has this much unread is dropped; the operation goes on. */
export const MAX_UNREAD_BYTES = 64 * 1024;
