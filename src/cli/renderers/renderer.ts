// What every renderer of an operation's stream can do.
import type { GracefulEvent } from '../../core/events.ts';
import type { FailureRecord } from '../../core/failure.ts';
import type { Outcome } from '../../core/outcome.ts';

/** An event with the stamp that its host put on it, if it has passed one. */
export type RenderedEvent = GracefulEvent & { readonly at?: string; readonly seq?: number };

/**
 * Shows one operation: its events, then one outcome or failure. No method throws or blocks, so `event` can be an EventSink.
 * Progress goes to stderr, answers go to stdout.
 */
export interface Renderer {
  event(event: RenderedEvent): void;
  outcome(outcome: Outcome): void;
  failure(failure: FailureRecord): void;
  /** Gives the terminal back as it was. May be called at any time and more than once. */
  close(): void;
}
