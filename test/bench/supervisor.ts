// What fifty idle apps cost their supervisor: CPU over half a minute and resident memory, beside a bare Node process that
// does nothing, in one run. `npm run bench:supervisor`; APPS=10 SECONDS=60 change the numbers.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { readStat } from '../../src/system/processes/stat.ts';
import { usageOfTree } from '../../src/system/processes/usage.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { BIN, cleanEnvironment } from '../rig/test-app.ts';

const APPS = Number(process.env['APPS'] ?? 50);
const SECONDS = Number(process.env['SECONDS'] ?? 75);

/** As small as a backend can be, so that fifty of them fit: it accepts connections and closes them. */
const BACKEND = `
import os, socket
listener = socket.socket(socket.AF_UNIX)
listener.bind(os.environ["GRACEFUL_SOCKET"])
listener.listen(64)
while True:
    connection, _ = listener.accept()
    connection.close()
`;

await using dir = await tempDir();
writeFileSync(join(dir.path, 'backend.py'), BACKEND);
const configs = Array.from({ length: APPS }, (_, index) => {
  const file = join(dir.path, `app${index}.json`);
  writeFileSync(file, JSON.stringify({ name: `app${index}`, stateDir: 'run', command: ['python3', 'backend.py'] }));
  return file;
});
const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], {
  env: cleanEnvironment(),
  stdio: 'ignore',
});
const supervisor = spawn(process.execPath, [BIN, 'run', ...configs.flatMap((file) => ['-c', file])], {
  env: cleanEnvironment(),
  stdio: ['ignore', 'pipe', 'inherit'],
});
try {
  await allServing(supervisor);
  // The start itself is over, and its garbage collected, when the first full minute begins.
  await setTimeout(5_000);
  const before = figuresOf(supervisor);
  await setTimeout(SECONDS * 1_000);
  const after = figuresOf(supervisor);
  const floor = figuresOf(bare);
  const cpuShare = (after.cpuMs - before.cpuMs) / (SECONDS * 10);
  const allowed = floor.rssMiB * 1.5 + APPS * 0.5;
  console.log(`Node ${process.version}, ${APPS} idle apps, ${SECONDS} s, keepalive every minute`);
  console.log(`CPU      ${cpuShare.toFixed(2)} % of one core (goal: under 1)`);
  console.log(
    `memory   ${after.rssMiB.toFixed(0)} MiB; a bare Node ${floor.rssMiB.toFixed(0)} MiB (goal: under ${allowed.toFixed(0)})`,
  );
} finally {
  bare.kill('SIGKILL');
  supervisor.kill('SIGTERM');
  await once(supervisor, 'exit');
}

async function allServing(child: ChildProcess): Promise<void> {
  let text = '';
  let done = 0;
  for await (const chunk of child.stdout ?? []) {
    text += String(chunk);
    const lines = text.split('\n');
    text = lines.pop() ?? '';
    done += lines.filter((line) => line.includes('keepalive: done')).length;
    if (done >= APPS) break;
  }
  child.stdout?.resume();
}

/** The process alone: its backends are not its cost. */
function figuresOf({ pid = 0 }: ChildProcess): { readonly cpuMs: number; readonly rssMiB: number } {
  const stat = readStat(pid);
  if (stat === null || usageOfTree(pid) === null) throw new Error(`process ${pid} has gone`);
  return { cpuMs: stat.cpuTicks * 10, rssMiB: (stat.rssPages * 4096) / 2 ** 20 };
}
