// The benchmarks, side by side with what users would pick instead: `npm run bench`. What fails is recorded and left behind;
// each result is written as soon as it is there.
import { setTimeout as sleep } from 'node:timers/promises';
import { keep, readKept } from './kept-results.ts';
import { type Machine, machine } from './machine.ts';
import { parseOptions, USAGE } from './options.ts';
import { closeWorkplaces } from './peers/peer.ts';
import { type Measurement, planOf } from './plan.ts';
import { collect, lostOf } from './report/collected.ts';
import { writeReport } from './report/report.ts';
import { openResults, type Result, type Results } from './results.ts';

/** What takes three times as long as it should, and a minute more, hangs. */
const patienceMs = ({ seconds }: Measurement): number => (seconds * 3 + 60) * 1_000;

process.on('unhandledRejection', (reason) => console.error(`left behind: ${reason}`));
const argv = process.argv.slice(2);
const options = (() => {
  try {
    return parseOptions(argv);
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : error}\n\n${USAGE}`);
    process.exit(2);
  }
})();

const plan = planOf({
  runs: options.runs ?? (options.quick ? 1 : 3),
  quick: options.quick,
  updates: options.updates ?? (options.quick ? 30 : 10_000),
}).filter(({ id }) => {
  const fits = (words: string): boolean => words.split(/\s+/).every((word) => id.includes(word));
  return (options.only.length === 0 || options.only.some(fits)) && !options.without.some(fits);
});
const results = options.results === null ? null : openResults(options.results);
const todo =
  results === null || options.reportOnly
    ? []
    : plan.filter(({ id }) => options.again || results.find(id)?.error !== null);
const minutes = todo.reduce((sum, { seconds }) => sum + seconds, 0) / 60;
let reported: readonly Result[] = [];

if (options.list) {
  for (const { id, seconds } of plan) console.log(`${id.padEnd(60)} ${seconds.toFixed(0)} s`);
  console.log(`${plan.length} measurements, about ${minutes.toFixed(0)} minutes`);
} else {
  if (results !== null) await measureAll(results);
  const found = results === null ? readKept() : { machine: results.meta() as Machine | null, results: results.all() };
  reported = found.results;
  console.log(writeReport(options.write && results !== null ? keep(found) : found, options.write));
}
// What a peer that hangs has left open must not keep us.
process.exit(oursFailed() ? 1 : 0);

/** For CI: what is not our own may fail. */
function oursFailed(): boolean {
  const { deploys, failed } = collect(reported);
  return (
    failed.some(({ peer }) => peer === null || peer.startsWith('graceful')) ||
    deploys.some(({ peer, runs }) => peer.ours && runs.some((run) => lostOf(run) > 0 || run.succeeded < run.deploys))
  );
}

/** As a reader would repeat it: where the results are kept is nobody's business. */
function commandLine(): string {
  const words = [
    ...(options.quick ? ['--quick'] : []),
    ...options.only.map((one) => `--only "${one}"`),
    ...options.without.map((one) => `--without "${one}"`),
    ...(options.runs === null ? [] : [`--runs ${options.runs}`]),
    ...(options.updates === null ? [] : [`--updates ${options.updates}`]),
  ];
  return ['npm run bench', ...(words.length > 0 ? ['--', ...words] : [])].join(' ');
}

async function measureAll(into: Results): Promise<void> {
  console.error(`${todo.length} measurements, about ${minutes.toFixed(0)} minutes; results in ${into.dir}`);
  if (todo.length > 0) into.saveMeta(machine(commandLine(), into.meta() as Machine | null));
  for (const [index, measurement] of todo.entries()) {
    const result = await measureOne(measurement);
    into.save(result);
    const { id, seconds, error } = result;
    const position = `${index + 1}/${todo.length}`.padStart(9);
    console.error(`${position} ${id} ${seconds} s${error === null ? '' : `: ${error}`}`);
  }
}

async function measureOne(measurement: Measurement): Promise<Result> {
  const { id, kind, peer, parameters, run } = measurement;
  const at = new Date().toISOString();
  const startedAt = performance.now();
  let data: unknown = null;
  let error: string | null = null;
  try {
    data = await Promise.race([
      measurement.measure(),
      sleep(patienceMs(measurement), undefined, { ref: false }).then(() => Promise.reject(new Error('it hangs'))),
    ]);
  } catch (failure) {
    error = failure instanceof Error ? failure.message : String(failure);
    await closeWorkplaces();
  }
  const seconds = Number(((performance.now() - startedAt) / 1000).toFixed(1));
  return { id, kind, peer, parameters, run, at, seconds, data, error };
}
