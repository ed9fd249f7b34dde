// The last step that every source shares: the command learns where to listen.
import type { Draft, Loss, Settings } from './draft.ts';
import { listenOnSocket } from './listen.ts';

export interface Sketch extends Pick<Draft, 'kind' | 'source'> {
  readonly settings: Omit<Settings, 'command'> & { readonly command: readonly string[] };
  readonly remarks?: Draft['remarks'];
  readonly lost?: readonly Loss[];
  readonly files?: Draft['files'];
}

export function draftOf({ kind, source, settings, remarks = {}, lost = [], files = [] }: Sketch): Draft {
  const listening = listenOnSocket(settings.command);
  const port = settings.env?.['PORT'];
  const env = { ...settings.env, ...listening.env };
  const { env: _, ...others } = settings;
  return {
    kind,
    source,
    settings: { ...others, command: [...listening.argv], ...(Object.keys(env).length === 0 ? {} : { env }) },
    remarks,
    listening: listening.says,
    lost: [
      ...(port === undefined || port === env['PORT']
        ? []
        : [{ what: `PORT=${port}`, why: "it is the path of the slot's socket now" }]),
      ...listening.lost,
      ...lost,
    ],
    files,
  };
}
