// As PID 1 of a container: somebody has to reap what other processes leave behind, and Node reaps only what it spawned. So
// tini does, as the subreaper of everything below it (prctl(2), PR_SET_CHILD_SUBREAPER), and we pass signals on to it.
import { constants } from 'node:os';
import { execa } from 'execa';

const FORWARDED = ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const;
/** Set for the supervisor under tini, which is not PID 1 any more. */
const UNDER_INIT = 'GRACEFUL_UNDER_INIT';

/**
 * Where this process is PID 1 and tini is installed: runs the same command (`argv` as Node gives it) under it and resolves with its exit code.
 * Null where we go on ourselves; `onMissing` then hears what is missing, if anything is.
 */
export async function runUnderInit(argv: readonly string[], onMissing: (what: string) => void): Promise<number | null> {
  if (process.pid !== 1 || process.env[UNDER_INIT] !== undefined) return null;
  const child = execa('tini', ['-s', '--', process.execPath, ...process.execArgv, ...argv.slice(1)], {
    stdio: 'inherit',
    env: { [UNDER_INIT]: '1' },
    reject: false,
    cleanup: false,
    // A drain may take its time; by default execa kills five seconds after a SIGTERM that it passed on.
    forceKillAfterDelay: false,
  });
  const forward = (signal: NodeJS.Signals): void => {
    child.kill(signal);
  };
  for (const signal of FORWARDED) process.on(signal, forward);
  const result = await child;
  for (const signal of FORWARDED) process.off(signal, forward);
  if (result.code === 'ENOENT') {
    onMissing(
      'this is PID 1 and tini is not installed: zombies of other processes stay; install tini, or use `docker run --init`',
    );
    return null;
  }
  if (result.exitCode !== undefined) return result.exitCode;
  return 128 + (result.signal === undefined ? 0 : constants.signals[result.signal as NodeJS.Signals]);
}
