// A week compressed: a thousand updates and two hundred crashes under one supervisor, and then the same number of file
// descriptors, processes and files, and no more memory, as after the first fifty. `npm run soak`; UPDATES=100 for a short one.
import { readdirSync } from 'node:fs';
import { readStat } from '../../src/system/processes/stat.ts';
import { createTestApp } from '../rig/test-app.ts';
import { startSupervisor } from '../rig/test-supervisor.ts';
import { until } from '../rig/until.ts';

const UPDATES = Number(process.env['UPDATES'] ?? 1_000);
const CRASH_EVERY = 5;
const WARM_UP = Math.min(50, UPDATES / 2);
const MEMORY_NOISE_MIB = 25;

await using app = await createTestApp({
  config: { health: { type: 'connect', interval: '20ms' }, schedule: { keepalive: null, stopInactive: null } },
});
await using supervisor = startSupervisor(app);
await supervisor.begun;
let baseline = measure();
for (let update = 1; update <= UPDATES; update += 1) {
  app.deploy(String(update));
  const run = await app.graceful('update');
  if (run.code !== 0) throw new Error(`update ${update} exited with ${run.code}: ${run.stdout}${run.stderr}`);
  if (update % CRASH_EVERY === 0) await crash();
  if (update === WARM_UP) baseline = measure();
  if (update % 50 === 0) console.log(`${String(update).padStart(5)} updates  ${JSON.stringify(measure())}`);
}
const end = measure();
console.log(`after ${WARM_UP}: ${JSON.stringify(baseline)}\nafter ${UPDATES}: ${JSON.stringify(end)}`);
const grown = end.fds > baseline.fds + 2 || end.files > baseline.files || end.backends > 2;
const swollen = end.rssMiB > baseline.rssMiB + MEMORY_NOISE_MIB;
console.log(grown || swollen ? 'GROWN' : 'no growth');
process.exitCode = grown || swollen ? 1 : 0;

/** Kills the active backend; the other one takes over at once. */
async function crash(): Promise<void> {
  const slot = app.active();
  const pid = slot === null ? null : app.pid(slot);
  if (pid === null) throw new Error('nothing is active');
  process.kill(pid, 'SIGKILL');
  await until('traffic has moved', () => app.active() !== slot);
}

function measure(): { fds: number; files: number; backends: number; rssMiB: number } {
  const { pid } = supervisor;
  return {
    fds: readdirSync(`/proc/${pid}/fd`).length,
    files: readdirSync(app.stateDir).length,
    backends: app.processes().length,
    rssMiB: Math.round(((readStat(pid)?.rssPages ?? 0) * 4096) / 2 ** 20),
  };
}
