// Telling systemd how we are, sd_notify(3), by systemd's own systemd-notify(1): Node has no datagram unix sockets.
import { execa } from 'execa';
import { spawning } from './processes/spawn.ts';

export interface Notifier {
  /** Lines such as `READY=1` or `STATUS=two apps are up`. Never throws: a service that cannot tell is still a service. */
  tell(...lines: readonly string[]): void;
  /** Resolves when everything said so far has been handed over. */
  flush(): Promise<void>;
}

const SILENT: Notifier = { tell: () => undefined, flush: async () => undefined };

/** A notifier for NOTIFY_SOCKET; one that says nothing where there is none. `onProblem` hears why telling does not work. */
export function openNotifier(env: NodeJS.ProcessEnv, onProblem: (reason: string) => void): Notifier {
  if (!env['NOTIFY_SOCKET']) return SILENT;
  let last: Promise<unknown> = Promise.resolve();
  let isBroken = false;
  const send = async (lines: readonly string[]): Promise<void> => {
    if (isBroken) return;
    const { child } = await spawning(() =>
      execa('systemd-notify', [`--pid=${process.pid}`, ...lines], {
        env,
        reject: false,
        stdin: 'ignore',
        timeout: 5_000,
      }),
    );
    const result = await child;
    if (!result.failed) return;
    isBroken = result.code === 'ENOENT';
    onProblem(
      isBroken ? 'systemd-notify is not installed' : result.stderr || (result.shortMessage ?? 'systemd-notify failed'),
    );
  };
  return {
    tell(...lines) {
      last = last.then(() => send(lines)).catch((error: Error) => onProblem(error.message)); // in order
    },
    flush: async () => void (await last),
  };
}

/** How often WATCHDOG=1 is due: half of WATCHDOG_USEC, as sd_watchdog_enabled(3) advises. Null without a watchdog. */
export function watchdogIntervalMs(env: NodeJS.ProcessEnv): number | null {
  const microseconds = Number(env['WATCHDOG_USEC'] ?? 0);
  const isForUs = env['WATCHDOG_PID'] === undefined || Number(env['WATCHDOG_PID']) === process.pid;
  return microseconds > 0 && isForUs ? Math.max(1, Math.floor(microseconds / 2_000)) : null;
}
