// One of many that take the lock again and again. Inside, it leaves a mark elsewhere that only one can make, and finds out
// when somebody else's is there whose maker lives.
import { closeSync, existsSync, openSync, readFileSync, unlinkSync, writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GracefulError } from '../../../src/core/failure.ts';
import { acquireLock } from '../../../src/system/lock.ts';
import { statePaths } from '../../../src/system/state-paths.ts';

const [stateDir = '', mark = '', over = '', waitMs = '60000', suspends = 'false'] = process.argv.slice(2);
const paths = statePaths(stateDir, 'app');
const tell = (text: string): void => void writeSync(1, `${text}\n`);

const signal = new AbortController().signal;
tell('here');
while (!existsSync(over)) {
  const askedAt = performance.now();
  try {
    await using _lock = await acquireLock(paths, {
      operation: 'test',
      waitMs: Number(waitMs),
      signal,
      emit: (event) => event.type === 'lock-taken-over' && tell('taken over'),
      onLost: () => tell('lost'),
    });
    const waitedMs = performance.now() - askedAt;
    inside();
    // Short turns, and now and then a long one, in which it may be killed from outside; or it dies or suspends itself.
    await sleep(Math.random() * (Math.random() < 0.1 ? 60 : 2));
    if (Math.random() < 0.03) process.kill(process.pid, 'SIGKILL');
    if (suspends === 'true' && Math.random() < 0.05) {
      tell('suspends itself'); // to be told to go on
      process.kill(process.pid, 'SIGSTOP');
    }
    unlinkSync(mark);
    tell(`held ${Math.round(waitedMs)}`);
  } catch (error) {
    if (!(error instanceof GracefulError && error.failure.code === 'busy')) throw error;
    tell(`busy ${Math.round(performance.now() - askedAt)}`);
  }
}

function inside(): void {
  for (;;) {
    try {
      const file = openSync(mark, 'wx');
      writeSync(file, `${process.pid} ${startOf(process.pid)}`);
      closeSync(file);
      return;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      const [pid = '', start] = readFileSync(mark, 'utf8').split(' ');
      // Left by one that was killed inside; or before it could say who it is.
      tell(pid !== '' && startOf(Number(pid)) === start ? `collision with ${pid}` : 'died inside');
      unlinkSync(mark);
    }
  }
}

/** When the process began; null when it is dead or a zombie. */
function startOf(pid: number): string | null {
  try {
    const line = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' || fields[0] === 'X' ? null : (fields[19] ?? null);
  } catch {
    return null; // ENOENT
  }
}
