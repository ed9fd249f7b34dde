// Listening to what a backend says of itself, where a health check asks for that: how it is given the means, and what they
// bring in. Everything that is heard is written down (said.ts).
import type { ChildProcess } from 'node:child_process';
import type { Config } from '../core/config.ts';
import { loadDatagrams, NotifySocket } from './notify-socket.ts';
import { addSaid, beginSaid, type Way } from './said.ts';
import type { SlotPaths } from './state-paths.ts';

/** Somebody listens, until the last who retained it has disposed of it. */
export interface Announcements extends Disposable {
  /** Until when the backend has asked to be waited for; monotonic, 0 when it has not. */
  extendedUntil(): number;
  retain(): Announcements;
}

/** The same for a backend that is about to be started. */
export interface OpenedAnnouncements extends Announcements {
  /** For its environment. */
  readonly env: Readonly<Record<string, string>>;
  /** For its descriptors, after all others. */
  readonly stdio: readonly 'ipc'[];
  attach(child: Pick<ChildProcess, 'on' | 'channel' | 'connected' | 'disconnect'>): void;
}

/** @throws `config` where what is configured cannot work on this machine. */
export async function checkAnnouncements(config: Config): Promise<void> {
  if (isAskedFor(config, 'notify')) await loadDatagrams(config.file);
}

/** For a backend that is about to be started. */
export async function openAnnouncements(
  config: Config,
  own: SlotPaths,
  instance: string,
): Promise<OpenedAnnouncements> {
  const byIpc = isAskedFor(config, 'ipc');
  const byNotify = isAskedFor(config, 'notify');
  if (byIpc || byNotify) beginSaid(own.said, instance);
  return {
    ...(await listenTo(config, own, instance)),
    env: byNotify ? { NOTIFY_SOCKET: own.notify } : {},
    stdio: byIpc ? ['ipc'] : [],
    attach(child) {
      if (!byIpc) return;
      child.channel?.unref();
      child.on('message', (message) => {
        if (message !== 'ready') return;
        // It ends with this process anyway: an app that cannot live without it shall not get the traffic.
        if (child.connected) child.disconnect();
        addSaid(own.said, instance, ({ ready }) => ({ ready: [...ready, 'ipc'] }));
      });
    },
  };
}

/** For a backend that runs. Its IPC channel has ended with whoever started it. */
export async function listenTo(config: Config, own: SlotPaths, instance: string): Promise<Announcements> {
  if (!isAskedFor(config, 'notify')) return SILENCE;
  const Socket = await loadDatagrams(config.file);
  return announcementsAt(NotifySocket.open(Socket, own, { instance, isOneOfSeveral: config.workers > 1 }));
}

const isAskedFor = ({ health }: Config, way: Way): boolean => health.checks.some(({ type }) => type === way);

const announcementsAt = (socket: NotifySocket): Announcements => ({
  extendedUntil: () => socket.extendedUntil,
  retain: () => announcementsAt(socket.retain()),
  [Symbol.dispose]: () => socket[Symbol.dispose](),
});

/** Nothing is heard. */
export const SILENCE: Announcements = {
  extendedUntil: () => 0,
  retain: () => SILENCE,
  [Symbol.dispose]: () => undefined,
};
