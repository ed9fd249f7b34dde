// What `status` and `update` cost as one state dir has seen more and more updates: real ones, one after the other.
import { readdirSync, statSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { round, spreadOf } from '../measure/figures.ts';
import { timeCommands } from '../measure/timed-commands.ts';
import { createScaleApp } from './app.ts';

export interface HistoryMark {
  readonly updates: number;
  readonly statusMs: number;
  readonly updateMs: number;
  readonly files: number;
  readonly bytes: number;
}

const LAST = 10;

export async function measureHistory(updates: number): Promise<readonly HistoryMark[]> {
  await using app = await createScaleApp();
  const marks: HistoryMark[] = [];
  const times: number[] = [];
  const at = new Set([10, 100, 1_000, 10_000, updates].filter((mark) => mark <= updates));
  for (let update = 1; update <= updates; update += 1) {
    times.push(await app.update());
    app.age();
    if (!at.has(update)) continue;
    // The command has returned; what it left to the kernel may still be at work.
    await sleep(500);
    const status = await timeCommands({
      runs: 10,
      cwd: app.place.dir,
      env: app.place.env,
      commands: { status: app.argv('status') },
    });
    const files = readdirSync(app.place.file('run'));
    marks.push({
      updates: update,
      statusMs: status['status']?.wallMs.median ?? 0,
      updateMs: round(spreadOf(times.slice(-LAST))?.median ?? 0),
      files: files.length,
      bytes: files.reduce(
        (sum, file) => sum + (statSync(app.place.file(`run/${file}`), { throwIfNoEntry: false })?.size ?? 0),
        0,
      ),
    });
  }
  return marks;
}
