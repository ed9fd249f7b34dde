// What a backend has said of itself while somebody listened. On disk: whoever asks for it (`status`, the next keepalive) is
// another process than the one that heard it.
import { readIfPresent, writeAtomically } from './atomic-file.ts';
import type { Finding } from './probes/finding.ts';
import { isText, parseObject } from './stored-values.ts';

/** How a backend can say that it is ready: READY=1 of sd_notify(3), the message `ready` of a Node app. */
export type Way = 'notify' | 'ipc';

export interface Said {
  /** Who said it. */
  readonly instance: string;
  readonly ready: readonly Way[];
  /** STOPPING=1 */
  readonly stopping: boolean;
  /** STATUS= */
  readonly status: string | null;
}

/** Before a backend is started: nothing so far. */
export const beginSaid = (path: string, instance: string): void =>
  write(path, { instance, ready: [], stopping: false, status: null });

/** Best effort. Only while the file is this backend's: the last words of an earlier one may be read late. */
export function addSaid(path: string, instance: string, change: (said: Said) => Partial<Said>): void {
  try {
    const said = readSaid(path, instance);
    if (said !== null) write(path, { ...said, ...change(said) });
  } catch {
    // ENOSPC, EMFILE: as if it had not been heard
  }
}

/** Whether the backend says that it can take requests. One that has been ready once is, until it says something else. */
export function probeSaid(
  way: Way,
  target: { readonly saidPath: string; readonly instance: string; readonly wasReady: boolean },
): Finding {
  const said = readSaid(target.saidPath, target.instance);
  const status = way === 'notify' && said?.status ? `, ${said.status}` : '';
  if (way === 'notify' && said?.stopping) return { ok: false, detail: `it is stopping${status}` };
  const ok = target.wasReady || said?.ready.includes(way) === true;
  const missing = way === 'notify' ? 'no READY=1 yet' : 'no ready message yet';
  return { ok, detail: `${ok ? 'ready' : missing}${status}` };
}

const write = (path: string, said: Said): void => writeAtomically(path, `${JSON.stringify(said)}\n`, { mode: 0o640 });

function readSaid(path: string, instance: string): Said | null {
  const said = parseObject(readIfPresent(path));
  if (said === null || said['instance'] !== instance) return null;
  const { ready, stopping, status } = said;
  return {
    instance,
    ready: Array.isArray(ready) ? ready.filter(isWay) : [],
    stopping: stopping === true,
    status: isText(status) ? status : null,
  };
}

const isWay = (value: unknown): value is Way => value === 'notify' || value === 'ipc';
