// For a person at a terminal: facts stay on the screen line by line; below them one live line shows what is being waited for.
// Invariant: between two calls the cursor stands at the beginning of the live line, or of an empty one.
import pc from 'picocolors';
import type { GracefulEvent } from '../../core/events.ts';
import { TrafficTrail } from '../../core/traffic-trail.ts';
import { predicateOf, subjectOf, waitPhrase } from '../describe.ts';
import { describeFailure } from '../describe-failure.ts';
import { describeOutcome } from '../describe-outcome.ts';
import type { Output } from '../output.ts';
import { printable, truncate, wrap } from '../text.ts';
import { tickingDuration } from '../units.ts';
import { MARKS, type Mark, SIGNS } from './marks.ts';
import type { Renderer } from './renderer.ts';
import { type Wait, Waits } from './waits.ts';

export interface TtyRendererOptions {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly colour: boolean;
  readonly now?: () => number;
  /** Calls `tick` again and again until the returned function is called. Must not keep the process alive. */
  readonly every?: (ms: number, tick: () => void) => () => void;
}

export const ttyRenderer = ({
  stdout,
  stderr,
  colour,
  now = Date.now,
  every = unrefInterval,
}: TtyRendererOptions): Renderer => {
  const paint = painter(colour);
  const waits = new Waits();
  const trail = new TrafficTrail();
  let frame = 0;
  let stopTicking: (() => void) | null = null;

  const draw = (): void => {
    const wait = waits.latest();
    if (wait === null) {
      rest();
      return;
    }
    if (stopTicking === null) {
      stderr.write(HIDE_CURSOR);
      stopTicking = every(FRAME_MS, () => {
        frame += 1;
        draw();
      });
    }
    const spinner = FRAMES[frame % FRAMES.length] ?? '';
    // One column less than there are: a full line would make some terminals wrap, and then it could not be erased.
    const text = truncate(liveText(wait, now()), Math.min(stderr.width(), WIDEST) - 3);
    stderr.write(`${ERASE_LINE}${paint.step(spinner)} ${text}\r`);
  };

  const rest = (): void => {
    if (stopTicking === null) return;
    stopTicking();
    stopTicking = null;
    stderr.write(`${ERASE_LINE}${SHOW_CURSOR}`);
  };

  /** Writes lines that stay. The live line gives way and comes back below them. */
  const print = (output: Output, text: string): void => {
    if (stopTicking !== null) stderr.write(ERASE_LINE);
    output.write(`${text}\n`);
  };

  return {
    event: (event) => {
      trail.see(event);
      waits.follow(event, now());
      if (event.type !== 'waiting' && event.type !== 'still-waiting')
        print(stderr, factLines(event, stderr.width(), paint));
      draw();
    },
    outcome: (outcome) => {
      waits.clear();
      rest();
      print(stdout, describeOutcome(outcome));
    },
    failure: (failure) => {
      waits.clear();
      rest();
      const [what = '', ...more] = describeFailure(failure, trail.movedTo).split('\n');
      print(stderr, [`${paint.failed(SIGNS.failed)} ${paint.strong(what)}`, ...more].join('\n'));
    },
    close: () => {
      waits.clear();
      rest();
    },
  };
};

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const ERASE_LINE = '\r\u001b[2K';
const FRAMES = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'] as const;
const FRAME_MS = 80;
/** Beyond this a line is hard to read, however wide the terminal. */
const WIDEST = 120;
/** Mark, space, slot, two spaces. */
const INDENT = 5;

const liveText = ({ for: target, slot, sinceMs, detail }: Wait, nowMs: number): string =>
  [
    `${slot ?? ' '}  ${waitPhrase(target)}`,
    tickingDuration(nowMs - sinceMs),
    ...(detail === '' ? [] : [printable(detail)]),
  ].join(' · ');

const factLines = (
  event: Exclude<GracefulEvent, { type: 'waiting' | 'still-waiting' }>,
  width: number,
  paint: Painter,
): string => {
  const mark = MARKS[event.type] ?? 'step';
  const [first = '', ...more] = wrap(predicateOf(event), Math.min(width, WIDEST) - INDENT);
  const head = `${paint[mark](SIGNS[mark])} ${paint.strong(subjectOf(event) ?? ' ')}  ${first}`;
  return [head, ...more.map((line) => `${' '.repeat(INDENT)}${line}`)].join('\n');
};

type Painter = Readonly<Record<Mark | 'strong', (text: string) => string>>;

const painter = (colour: boolean): Painter => {
  const { green, red, cyan, yellow, dim, bold } = pc.createColors(colour);
  return { done: green, failed: red, traffic: cyan, warning: yellow, step: dim, strong: bold };
};

const unrefInterval = (ms: number, tick: () => void): (() => void) => {
  const timer = setInterval(tick, ms);
  timer.unref();
  return () => clearInterval(timer);
};
