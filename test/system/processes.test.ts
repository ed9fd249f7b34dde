// Who a process is, whatever it calls itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { identify, isAlive, liveness } from '../../src/system/processes/identity.ts';
import { readStat } from '../../src/system/processes/stat.ts';
import { runs } from '../rig/processes.ts';
import { until } from '../rig/until.ts';

describe('a process', () => {
  it('is read right whatever it calls itself', async () => {
    // prctl(PR_SET_NAME) takes anything, parentheses, spaces and line breaks too.
    const script =
      'import ctypes, sys; ctypes.CDLL(None).prctl(15, b") Z 1\\n(x) ", 0, 0, 0); print("named", flush=True); sys.stdin.read()';
    const child = spawn('python3', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    const stat = readStat(child.pid ?? 0);
    assert.deepEqual([stat?.isDead, stat?.parent], [false, process.pid]);
    assert.match(stat?.startTicks ?? '', /^\d+$/);
    child.stdin.end();
    await once(child, 'close');
  });

  it('is dead for us once it has exited, and so is another one under its pid', async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const pid = child.pid ?? 0;
    const identity = identify(pid) ?? assert.fail();
    assert.equal(liveness(identity), 'alive');
    assert.equal(liveness({ ...identity, startTicks: String(Number(identity.startTicks) - 1) }), 'dead');
    assert.equal(liveness({ ...identity, bootId: 'another' }), 'dead');
    child.kill('SIGKILL');
    await until('it has gone', () => !runs(pid));
    assert.equal(isAlive(identity), false);
    assert.equal(identify(pid), null);
  });

  it('that is suspended is alive', async () => {
    const child = spawn('sleep', ['1000'], { stdio: 'ignore' });
    await once(child, 'spawn');
    const identity = identify(child.pid ?? 0) ?? assert.fail();
    child.kill('SIGSTOP');
    assert.equal(liveness(identity), 'alive');
    child.kill('SIGKILL');
    await once(child, 'close');
  });
});
