// What `graceful init` is going to write, before it is text: settings, a remark for each, and what did not make it.
import type { FileInput } from '../../config/schema.ts';

/** What a configuration can be made from. */
export type SourceKind = 'command' | 'node' | 'procfile' | 'django' | 'wsgi' | 'rack' | 'php' | 'pm2' | 'supervisord';

export type Settings = Partial<FileInput> & Pick<FileInput, 'command'>;

/** Something of the source that the configuration cannot say. */
export interface Loss {
  /** As it stands in the source: `instances: 4`. */
  readonly what: string;
  readonly why: string;
}

export interface Draft {
  readonly kind: SourceKind;
  /** The file that it was made from; null for a command that was typed. */
  readonly source: string | null;
  readonly settings: Settings;
  /** Why a setting is what it is. */
  readonly remarks: Readonly<Partial<Record<keyof FileInput, string>>>;
  /** What makes the app listen on the slot's socket, or what has to be done so that it does. */
  readonly listening: string;
  readonly lost: readonly Loss[];
  /** Files that the app needs besides, with paths relative to its directory. */
  readonly files: readonly { readonly path: string; readonly content: string }[];
}

/** A name as the configuration takes it, out of one that another tool takes. */
export const toName = (text: string): string =>
  text
    .replace(/^@[^/]+\//, '')
    .replace(/[^\w.-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|-+$/g, '') || 'app';
