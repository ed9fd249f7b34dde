// `status`, once: the table for people, one line of JSON for programs.
import type { StatusReport } from '../core/status.ts';
import { type Output, type OutputStream, outputTo } from './output.ts';
import { renderStatus } from './status-table.ts';

export interface ShowStatusOptions {
  readonly json: boolean;
  readonly quiet: boolean;
  /** Colours on stdout. */
  readonly colour: boolean;
  readonly stdout: OutputStream;
}

/** Prints the report. With --json as one object on one line; with -q not at all: the exit code is the answer. */
export const showStatus = (report: StatusReport, { json, quiet, colour, stdout: stream }: ShowStatusOptions): void => {
  if (quiet && !json) return;
  const stdout = outputTo(stream);
  const format = statusFormat({ json, colour, stdout });
  stdout.write(format(report));
};

/** How a report becomes text; a table, or a line of JSON. */
export const statusFormat = ({
  json,
  colour,
  stdout,
}: {
  readonly json: boolean;
  readonly colour: boolean;
  readonly stdout: Output;
}): ((report: StatusReport) => string) => {
  if (json) return (report) => `${JSON.stringify(report)}\n`;
  return (report) => renderStatus(report, { colour, width: stdout.width(), now: Date.now() });
};
