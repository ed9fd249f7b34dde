// Who a process is, whatever it calls itself.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { identify, isAlive, liveness } from '../../src/system/processes/identity.ts';
import { ignoresSignal } from '../../src/system/processes/signals.ts';
import { readStat } from '../../src/system/processes/stat.ts';
import { childrenOf } from '../../src/system/processes/usage.ts';
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

  it('is a child, too, where another thread than the main one has started it', async () => {
    const script = `new (require('node:worker_threads').Worker)(
      "require('node:child_process').spawn('sleep', ['1000']).once('spawn', () => console.log('started'))", { eval: true })`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'], detached: true });
    await once(parent.stdout, 'data');
    const [child = 0] = childrenOf(parent.pid ?? 0);
    assert.equal(readFileSync(`/proc/${child}/comm`, 'utf8'), 'sleep\n');
    process.kill(-(parent.pid ?? 0), 'SIGKILL');
    await once(parent, 'close');
  });

  it('tells by the kernel what it ignores', async () => {
    const child = spawn('sh', ['-c', 'trap "" INT; trap : TERM; echo set; read -r end'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    await once(child.stdout, 'data');
    const ignored = (['SIGINT', 'SIGTERM', 'SIGQUIT'] as const).map((signal) => ignoresSignal(child.pid ?? 0, signal));
    assert.deepEqual(ignored, [true, false, false]);
    child.stdin.end();
    await once(child, 'close');
    assert.equal(ignoresSignal(child.pid ?? 0, 'SIGINT'), false);
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
