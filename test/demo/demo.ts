// npm run demo: an app behind the embedded front is updated under load, and nothing is lost. It needs Node 20 and nothing else.
import { terminalOf } from '../../src/cli/terminal.ts';
import { tempDir } from '../rig/temp-dir.ts';
import { Belongings } from './belongings.ts';
import { Screen } from './screen.ts';
import { Shell } from './shell.ts';
import { type Story, tell } from './story.ts';
import { printSummary, succeeded } from './summary.ts';

const SIGNALS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

const { stdout, env } = process;
const isTty = stdout.isTTY === true;
const { answerColour, live } = terminalOf({ stdoutIsTty: isTty, stderrIsTty: isTty, noColor: false, env });

// From here on a signal ends the demo in good order, and a second one changes nothing.
const interruption = new AbortController();
const interrupted = new Promise<number>((resolve) => {
  const interrupt = (code: number): void => {
    resolve(code);
    interruption.abort();
  };
  for (const [signal, code] of Object.entries(SIGNALS)) process.on(signal, () => interrupt(code));
  // Nobody watches any more: `| head`, a terminal that was closed.
  stdout.on('error', () => interrupt(1));
});

const screen = new Screen(stdout, { colour: answerColour, live });
process.exitCode = await perform();

async function perform(): Promise<number> {
  let story: Story | number;
  try {
    await using belongings = new Belongings();
    const dir = await tempDir();
    belongings.own(dir);
    const shell = new Shell(dir.path, answerColour);
    belongings.own(shell);
    const telling = tell({
      dir: dir.path,
      shell,
      screen,
      signal: interruption.signal,
      own: (resource) => belongings.own(resource),
    });
    // After an interruption nobody waits for it any more.
    telling.catch(() => undefined);
    story = await Promise.race([telling, interrupted]);
    if (typeof story === 'number') screen.close('interrupted: taking everything down');
  } catch (error) {
    screen.close(`demo: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
  if (typeof story === 'number') return story;
  printSummary(screen, story);
  screen.close();
  return succeeded(story) ? 0 : 1;
}
