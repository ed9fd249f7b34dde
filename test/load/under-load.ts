// What the tests under load have in common: wrk around a piece of work, and what may not be in its report.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLoad } from '../rig/load.ts';
import type { Failures, LoadReport } from '../rig/load-report.ts';
import type { Nginx } from '../rig/nginx.ts';
import { until } from '../rig/until.ts';

/** Does `work` while wrk POSTs 2 kB bodies on 16 connections; returns what wrk saw. */
export async function underLoad(nginx: Nginx, work: () => Promise<void>): Promise<LoadReport> {
  const load = startLoad({ port: nginx.port });
  try {
    await load.flowing;
    await work();
  } catch (error) {
    await load.stop();
    throw error;
  }
  return load.stop();
}

const MAY_NOT: Readonly<Record<keyof Failures, string>> = {
  refused: 'were refused',
  reset: 'were cut off in the middle',
  timeout: 'were never answered',
  non2xx: 'were answered with an error',
  wrongBody: 'were answered with the body of somebody else',
};

/** Each kind of loss by itself, and what nginx has to say about it. */
export function assertNothingLost(report: LoadReport, nginx: Pick<Nginx, 'errorLog'>): void {
  const evidence = [...report.examples, ...firstLines(nginx.errorLog())].join('\n');
  for (const [kind, what] of Object.entries(MAY_NOT) as [keyof Failures, string][])
    assert.equal(
      report.failures[kind],
      0,
      `${report.failures[kind]} of ${report.requests} requests ${what}\n${evidence}`,
    );
  assert.equal(report.succeeded, report.requests);
  assert.deepEqual(firstLines(nginx.errorLog()), [], 'nginx complained');
}

/** A short load of its own gets its answers from this version, and from nobody else. */
export async function assertAnswersAlone(version: string, nginx: Nginx): Promise<void> {
  const load = startLoad({ port: nginx.port });
  await load.flowing;
  await sleep(300);
  const report = await load.stop();
  assertNothingLost(report, nginx);
  assert.deepEqual(report.versions, { [version]: report.requests }, `only version ${version} answers`);
}

const firstLines = (text: string): readonly string[] => text.split('\n').filter(Boolean).slice(0, 10);

/** Resolves when nobody is connected to a socket that the link has left: by then, its last answer has been given. */
export const untilLeft = (socketPath: string): Promise<true> =>
  until(`nobody is connected to ${socketPath}`, async () => (await connectionsTo(socketPath)) === 0, 30_000);

/** Connections queued at or accepted from a socket: states 02 and 03 of the kernel's table. */
export const connectionsTo = async (socketPath: string): Promise<number> =>
  (await readFile('/proc/net/unix', 'utf8')).split('\n').filter((line) => {
    const [, , , , , state, , path] = line.trim().split(/\s+/);
    return path === socketPath && (state === '02' || state === '03');
  }).length;
