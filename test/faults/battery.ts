// The fault battery: tries to break every promise, and prints how often it succeeded. `npm run test:faults`.
//
//   --long           every step instead of a share of them
//   --suite NAME     only this suite, may be repeated
//   --only TEXT      only rows and cases with this in their names
//   --seed N         the share of the short form that is tried; printed, to have it again
//   --share N        of the large suites in their long form, one case in so many
//   --results DIR    keeps what came of each suite in DIR/SUITE.json
//   --write          puts the table into docs/reliability.md; with --results, from what is kept there, and runs nothing
import { parseArgs } from 'node:util';
import { stories, tableForTerminal, writePage } from './kit/report.ts';
import { describeCommit, describeMachine, describeTotal, load, type SuiteResult, save, sum } from './kit/results.ts';
import { runSuite } from './kit/run-suite.ts';
import type { Form } from './kit/suite.ts';
import { SUITES } from './suites.ts';

const SAVE_EVERY_MS = 10_000;

const { values } = parseArgs({
  options: {
    long: { type: 'boolean', default: false },
    suite: { type: 'string', multiple: true, default: [] },
    only: { type: 'string', default: '' },
    seed: { type: 'string', default: String(Math.floor(Date.now() / 1000) % 100_000) },
    share: { type: 'string', default: '1' },
    results: { type: 'string' },
    write: { type: 'boolean', default: false },
  },
});
process.env['FAULTS_SEED'] = values.seed;
process.env['FAULTS_SHARE'] = values.share;
const form: Form = values.long ? 'long' : 'short';

async function run(name: string): Promise<SuiteResult> {
  const { suite } = (await SUITES[name]?.()) ?? unknown(name);
  const startedAt = performance.now();
  const commit = describeCommit();
  const resultOf = (rows: SuiteResult['rows'], isWhole: boolean): SuiteResult => ({
    suite: suite.name,
    form,
    date: new Date().toISOString().slice(0, 10),
    command: `npm run test:faults -- ${values.long ? '--long ' : ''}--suite ${name}${values.share === '1' ? '' : ` --share ${values.share}`} --seed ${values.seed}`,
    seconds: (performance.now() - startedAt) / 1000,
    machine: describeMachine(),
    commit,
    rows,
    isWhole,
  });
  let savedAt = 0;
  const keep = (rows: SuiteResult['rows'], isWhole: boolean): SuiteResult => {
    const result = resultOf(rows, isWhole);
    // A part of a suite is not kept as if it were the suite.
    if (values.results !== undefined && values.only === '') save(values.results, name, result);
    savedAt = performance.now();
    return result;
  };
  console.log(`${suite.name} (${form} form)`);
  const rows = await runSuite(suite, { form, only: values.only }, (soFar, ending) => {
    if (ending.type === 'broken') console.log(`  broken: ${ending.name}`);
    if (ending.type === 'missed') console.log(`  missed: ${ending.name}: ${ending.story}`);
    if (performance.now() - savedAt > SAVE_EVERY_MS) {
      keep(soFar, false);
      console.log(`  ${describeTotal(soFar)}`);
    }
  });
  const result = keep(rows, true);
  console.log(`  ${describeTotal(rows)}, ${Math.round(result.seconds)} s`);
  return result;
}

async function runAll(): Promise<readonly SuiteResult[]> {
  console.log(`seed ${values.seed}`);
  const results: SuiteResult[] = [];
  for (const name of values.suite.length > 0 ? values.suite : Object.keys(SUITES)) results.push(await run(name));
  return results;
}

function unknown(name: string): never {
  throw new Error(`there is no suite ${name}; there are ${Object.keys(SUITES).join(', ')}`);
}

const isReportOnly = values.write && values.results !== undefined;
const results = isReportOnly ? load(values.results as string) : await runAll();
if (values.write) writePage(results);
const all = results.flatMap(({ rows }) => rows);
console.log(`\n${tableForTerminal(results)}\n\n${describeTotal(all)}`);
console.log(stories(results));
// A suite that tried nothing has shown nothing. What missed is told, and fails nothing.
const hasTried = results.length > 0 && results.every(({ rows }) => sum(rows, 'run') > 0);
process.exit(sum(all, 'broken') === 0 && hasTried ? 0 : 1);
