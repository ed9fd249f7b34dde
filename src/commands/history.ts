// `graceful history`: what is on disk, as a table or as lines of JSON.
import { historyTable } from '../cli/history-table.ts';
import type { Invocation } from '../cli/invocation.ts';
import { type OutputStream, outputTo } from '../cli/output.ts';
import type { Config } from '../core/config.ts';
import { readHistory } from '../system/history.ts';
import { statePaths } from '../system/state-paths.ts';
import type { Surroundings } from './surroundings.ts';

interface HistoryOptions {
  readonly limit: number;
  readonly failedOnly: boolean;
  readonly json: boolean;
  readonly colour: boolean;
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
}

export async function showHistory(
  asked: Extract<Invocation, { kind: 'history' }>,
  { configFor, colour, stdout, stderr }: Surroundings,
): Promise<number> {
  const { globals } = asked;
  printHistory(await configFor(globals), { ...asked, json: globals.json, colour: colour(globals), stdout, stderr });
  return 0;
}

function printHistory(config: Config, options: HistoryOptions): void {
  const { limit, failedOnly, json, colour } = options;
  const paths = statePaths(config.stateDir, config.name);
  const { entries, unreadable } = readHistory(paths);
  const chosen = entries.filter(({ result }) => !failedOnly || result !== 'done');
  const shown = limit === 0 ? [] : chosen.slice(-limit);
  const stdout = outputTo(options.stdout);
  const stderr = outputTo(options.stderr);
  if (json) stdout.write(shown.map((entry) => `${JSON.stringify(entry)}\n`).join(''));
  else if (shown.length > 0) stdout.write(historyTable(shown, { colour, width: stdout.width(), now: Date.now() }));
  else stderr.write(`nothing ${failedOnly ? 'has failed' : 'was done'} so far, as far as ${paths.history} goes back\n`);
  if (unreadable > 0)
    stderr.write(`${unreadable} ${unreadable === 1 ? 'line' : 'lines'} of ${paths.history} cannot be read\n`);
}
