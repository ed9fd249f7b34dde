// What the operator wants, up or down, kept on disk so that a deliberate stop survives cron, a crash and a reboot.
import type { Desired } from '../core/status.ts';
import { readIfPresent, writeAtomically } from './atomic-file.ts';

export interface DesiredFile {
  /** Without a file, as on a machine that has just booted: up. */
  read(): Desired;
  write(desired: Desired, by: string): void;
}

export const openDesired = (path: string): DesiredFile => ({
  read() {
    const text = readIfPresent(path);
    // Rubbish (a power loss) counts as no file: an app that is up by mistake is seen, one that is down is an outage.
    return text !== null && /"desired"\s*:\s*"down"/.test(text) ? 'down' : 'up';
  },
  write(desired, by) {
    const content = { desired, by, at: new Date().toISOString() };
    writeAtomically(path, `${JSON.stringify(content)}\n`, { mode: 0o640, durable: true });
  },
});
