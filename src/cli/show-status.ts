// `status`, once: the table for people, one line of JSON for programs.
import type { StatusReport } from '../core/status.ts';
import { type Output, type OutputStream, outputTo } from './output.ts';

export interface ShowStatusOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Colours on stdout. */
  readonly colour: boolean;
  readonly stdout: OutputStream;
}

/** Prints the report. With --json as one object on one line; with -q not at all: the exit code is the answer. */
export const showStatus = async (
  report: StatusReport,
  { json, quiet, colour, stdout: stream }: ShowStatusOptions,
): Promise<void> => {
  if (quiet && !json) return;
  const stdout = outputTo(stream);
  const format = await statusFormat({ json, colour, stdout });
  stdout.write(format(report));
};

/** How a report becomes text; the table and its colours are loaded only where they are used. */
export const statusFormat = async ({
  json,
  colour,
  stdout,
}: {
  readonly json: boolean;
  readonly colour: boolean;
  readonly stdout: Output;
}): Promise<(report: StatusReport) => string> => {
  if (json) return (report) => `${JSON.stringify(report)}\n`;
  const { renderStatus } = await import('./status-table.ts');
  return (report) => renderStatus(report, { colour, width: stdout.width(), now: Date.now() });
};
