// The last words of a backend.
import assert from 'node:assert/strict';
import { appendFileSync, truncateSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { logSize, tailLog } from '../../src/system/log-file.ts';
import { tempDir } from '../rig/temp-dir.ts';

describe('the tail of a log', () => {
  it('begins where this backend began: what an earlier one said is not its own', async () => {
    await using dir = await tempDir();
    const log = dir.join('app-a.log');
    writeFileSync(log, 'of an earlier life\n');
    const from = await logSize(log);
    appendFileSync(log, 'one\ntwo\n');
    assert.deepEqual(await tailLog(log, from), ['one', 'two']);
  });

  it('has at most 20 lines, and reads little of a log of gigabytes', async () => {
    await using dir = await tempDir();
    const log = dir.join('app-a.log');
    writeFileSync(log, '');
    truncateSync(log, 8 * 1024 ** 3); // sparse
    appendFileSync(log, Array.from({ length: 100 }, (_, index) => `\nline ${index}`).join(''));
    const lines = await tailLog(log, 0);
    assert.deepEqual([lines.length, lines[0], lines.at(-1)], [20, 'line 80', 'line 99']);
  });

  it('shows a last line without a line break, and a log that was rotated meanwhile', async () => {
    await using dir = await tempDir();
    const log = dir.join('app-a.log');
    writeFileSync(log, 'short\nno line break');
    assert.deepEqual(await tailLog(log, 1_000_000), ['short', 'no line break']);
  });

  it('of no log is empty', async () => {
    await using dir = await tempDir();
    assert.equal(await logSize(dir.join('none')), 0);
    assert.deepEqual(await tailLog(dir.join('none'), 0), []);
  });
});
