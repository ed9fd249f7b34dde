// What it came to: a table, and a sentence. All that is counted was counted by the load generator.
import { printable } from '../../src/cli/text.ts';
import { failed } from '../rig/load-report.ts';
import type { Screen } from './screen.ts';
import { count, type Story } from './story.ts';

/** Whether the demo showed what it promises. */
export const succeeded = ({ traffic, surprises }: Story): boolean => failed(traffic) === 0 && surprises.length === 0;

export function printSummary(screen: Screen, story: Story): void {
  const { paint } = screen;
  const { steps, traffic, surprises } = story;
  const { refused, reset, timeout, non2xx, wrongBody } = traffic.failures;
  const lost = failed(traffic);
  const good = (number: number): ((text: string) => string) => (number === 0 ? paint.green : paint.red);

  screen.line();
  screen.line(paint.dim(row('VERSION', 'REQUESTS', 'OWN START', 'TOTAL', '')));
  for (const { version, title, ownStartMs, totalMs } of steps) {
    const requests = version === null ? '' : count(traffic.versions[version] ?? 0);
    screen.line(row(version ?? '', requests, inMs(ownStartMs), inMs(totalMs), title));
  }
  screen.line(paint.bold(row('all', count(traffic.requests), '', '', '')));
  screen.line(
    `${good(lost)(row('failed', count(lost), '', '', ''))}   ${paint.dim(
      [
        `refused ${refused}`,
        `reset ${reset}`,
        `timed out ${timeout}`,
        `non-2xx ${non2xx}`,
        `wrong body ${wrongBody}`,
      ].join(' · '),
    )}`,
  );
  screen.line(paint.dim('  Own start: until the backend passed its health check. Total: the whole command.'));

  screen.line();
  for (const example of lost === 0 ? [] : traffic.examples) screen.line(`  ${paint.red(printable(example))}`);
  for (const surprise of surprises) screen.line(`  ${paint.red(`unexpected: ${surprise}`)}`);
  screen.line(
    succeeded(story)
      ? paint.green(
          paint.bold(
            `✔ ${count(traffic.requests)} requests through four updates, a broken version and a rollback: not one lost.`,
          ),
        )
      : paint.red(paint.bold(verdictOnFailure(lost, traffic.requests, surprises.length))),
  );
}

const verdictOnFailure = (lost: number, requests: number, surprises: number): string => {
  const failures = `✖ ${lost === 0 ? 'none' : count(lost)} of ${count(requests)} requests failed`;
  return surprises === 0 ? `${failures}.` : `${failures}, and not everything went as it should: see above.`;
};

const row = (version: string, requests: string, ownStart: string, total: string, title: string): string =>
  `  ${version.padEnd(7)}  ${requests.padStart(8)}  ${ownStart.padStart(9)}  ${total.padStart(8)}   ${title}`.trimEnd();

const inMs = (ms: number | null): string => (ms === null ? '-' : `${count(Math.round(ms))} ms`);
