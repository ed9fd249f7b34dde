// The few words in braces that stand for something only known when a backend starts.
import type { Slot } from '../core/slot.ts';

/** What each placeholder stands for. */
export interface PlaceholderValues {
  /** Path of the slot's unix socket. */
  readonly socket: string;
  readonly slot: Slot;
  /** The app's `name`. */
  readonly name: string;
  readonly stateDir: string;
}

/**
 * Replaces `{socket}`, `{slot}`, `{name}` and `{stateDir}`, in one pass: what was put in is not looked at again.
 * Any other braces stay as they are, since JSON in arguments is common.
 */
export const replacePlaceholders = (text: string, values: PlaceholderValues): string =>
  text.replace(/\{(socket|slot|name|stateDir)\}/g, (_, key: keyof PlaceholderValues) => values[key]);
