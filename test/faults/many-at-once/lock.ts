// Two hundred processes at one lock, whose holders are killed and suspended: never two inside, nobody left outside.
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { readIfPresent } from '../../../src/system/atomic-file.ts';
import { statePaths } from '../../../src/system/state-paths.ts';
import { inRepo } from '../../rig/paths.ts';
import { tempDir } from '../../rig/temp-dir.ts';
import { until } from '../../rig/until.ts';
import { randomFrom } from '../kit/seed.ts';
import type { Case, Form } from '../kit/suite.ts';

const WORKER = inRepo('build/test/faults/many-at-once/worker.js');
const WAIT_MS = 30_000;
/** A turn that came may be a little late on a machine with so much to do. */
const SLACK_MS = 15_000;

interface Crowd {
  readonly workers: number;
  readonly seconds: number;
  /** Of the holder of the moment: killed, suspended for a while, or left alone. */
  readonly killEveryMs: number;
  readonly suspends: boolean;
}

export function* lockCases(form: Form): Iterable<Case> {
  const crowds: readonly Crowd[] =
    form === 'short'
      ? [{ workers: 40, seconds: 8, killEveryMs: 150, suspends: true }]
      : [
          { workers: 200, seconds: 60, killEveryMs: 300, suspends: false },
          { workers: 200, seconds: 60, killEveryMs: 300, suspends: true },
          { workers: 100, seconds: 40, killEveryMs: 50, suspends: false },
          { workers: 40, seconds: 40, killEveryMs: 20, suspends: true },
          { workers: 8, seconds: 30, killEveryMs: 10, suspends: false },
        ];
  for (const crowd of crowds)
    for (let round = 1; round <= (form === 'short' ? 1 : 2); round += 1) {
      const { workers, killEveryMs, suspends } = crowd;
      const how = suspends ? 'killed or suspended' : 'killed';
      yield {
        row: `processes at one lock, the holder ${how} again and again`,
        name: `${workers} at once, one ${how} every ${killEveryMs} ms, round ${round}`,
        tried: ['I4', 'clear'],
        run: () => crowdAtTheLock(crowd, `round ${round}`),
      };
    }
}

async function crowdAtTheLock({ workers, seconds, killEveryMs, suspends }: Crowd, name: string): Promise<void> {
  await using dir = await tempDir();
  const random = randomFrom(`lock ${workers} ${name}`);
  const paths = statePaths(dir.path, 'app');
  const over = dir.join('over');
  const lines: string[] = [];
  const crowd = new Map<number, ChildProcess>();
  let stderr = '';
  let goesOn = true;
  let killed = 0;

  const suspended = new Set<Promise<void>>();
  const goOnLater = (child: ChildProcess): void => {
    suspended.add(sleep(200 + random() * 800).then(() => void child.kill('SIGCONT')));
  };
  const start = (): void => {
    if (!goesOn) return;
    const args = [dir.path, dir.join('mark'), over, String(WAIT_MS), String(suspends)];
    const child = spawn(process.execPath, [WORKER, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    const pid = child.pid ?? assert.fail();
    crowd.set(pid, child);
    let rest = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      const parts = (rest + text).split('\n');
      rest = parts.pop() ?? '';
      lines.push(...parts);
      if (parts.includes('suspends itself')) goOnLater(child);
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    child.once('close', () => {
      crowd.delete(pid);
      start(); // as many as ever
    });
  };
  // In waves: two hundred starts at the same moment would be a test of the machine.
  for (let started = 0; started < workers; started += 1) {
    start();
    if (started % 10 === 9) await sleep(100);
  }
  const of = (kind: string): readonly string[] => lines.filter((line) => line.startsWith(kind));
  await until('all of them are there', () => of('here').length >= workers);
  const isTried = (): boolean => of('died inside').length > 0 && (!suspends || of('suspends itself').length > 0);
  const end = performance.now() + seconds * 1000;
  while (performance.now() < end || (!isTried() && performance.now() < end + WAIT_MS)) {
    await sleep(killEveryMs * (0.5 + random()));
    const pid = holderOf(paths.lockHolder);
    const child = pid === null ? undefined : crowd.get(pid);
    // Anybody, where nobody holds it: also those who are just about to take it.
    const victim = child ?? [...crowd.values()][Math.floor(random() * crowd.size)];
    if (victim === undefined) continue;
    if (suspends && random() < 0.3) {
      victim.kill('SIGSTOP');
      goOnLater(victim);
    } else {
      victim.kill('SIGKILL');
      killed += 1;
    }
  }
  await Promise.all(suspended);
  goesOn = false;
  writeFileSync(over, '');
  const hung = setTimeout(() => {
    for (const child of crowd.values()) child.kill('SIGKILL');
    lines.push('hung');
  }, WAIT_MS + SLACK_MS);
  while (crowd.size > 0) await Promise.all([...crowd.values()].map((child) => once(child, 'close').catch(() => null)));
  clearTimeout(hung);

  assert.deepEqual(of('collision'), [], 'I4: two were inside');
  assert.deepEqual(of('lost'), [], 'I4: a lock was taken from a live holder');
  assert.deepEqual(of('hung'), [], 'clear: somebody waited for ever');
  assert.equal(stderr, '', 'clear');
  const waits = [...of('held'), ...of('busy')].map((line) => Number(line.split(' ')[1]));
  const longest = Math.max(...waits);
  assert.ok(longest < WAIT_MS + SLACK_MS, `clear: somebody waited ${longest} ms with --wait ${WAIT_MS}`);
  assert.ok(of('held').length > 20, `only ${of('held').length} turns`);
  assert.ok(isTried(), `no holder was killed${suspends ? ' and suspended' : ''} inside: nothing was tried`);
  if (process.env['FAULTS_VERBOSE'] !== undefined)
    console.log(
      `    ${of('held').length} turns, ${of('busy').length} busy, ${killed} killed, ${of('suspends itself').length} suspended inside, ${of('taken over').length} taken over, longest wait ${longest} ms`,
    );
}

function holderOf(path: string): number | null {
  try {
    return (JSON.parse(readIfPresent(path) ?? 'null') as { pid: number } | null)?.pid ?? null;
  } catch {
    return null;
  }
}
