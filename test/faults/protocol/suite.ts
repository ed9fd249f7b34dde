// The protocol as a Promela model: spin looks at every order in which anything can happen, within the model's bounds. The
// wrong variants show that it would find a mistake.
import { execFile } from 'node:child_process';
import { copyFileSync, readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { inRepo } from '../../rig/paths.ts';
import { need } from '../../rig/requirements.ts';
import { tempDir } from '../../rig/temp-dir.ts';
import type { Case, Form, InvariantName, Suite } from '../kit/suite.ts';
import { VARIANTS, type Variant } from './variants.ts';

const run = promisify(execFile);
const MODEL = inRepo('test/faults/protocol/graceful.pml');
const ALL: readonly InvariantName[] = ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7'];

/** A model that says nothing has no errors either. */
const LEAST_STATES = 1_000_000;
const STORY_LENGTH = 20_000;

interface Bounds {
  readonly CLIENTS: number;
  /** SIGKILLs to commands, and to backends. */
  readonly CRASHES: number;
  readonly KILLS: number;
}

const BOUNDS: Readonly<Record<Form, readonly Bounds[]>> = {
  short: [
    { CLIENTS: 1, CRASHES: 1, KILLS: 0 },
    { CLIENTS: 1, CRASHES: 0, KILLS: 1 },
  ],
  long: [
    { CLIENTS: 1, CRASHES: 1, KILLS: 1 },
    { CLIENTS: 2, CRASHES: 1, KILLS: 0 },
    { CLIENTS: 2, CRASHES: 0, KILLS: 1 },
  ],
};

/** Looked at once more, for executions that never end: every state is visited twice. */
const CIRCLE_BOUNDS: Readonly<Record<Form, Bounds>> = {
  short: { CLIENTS: 1, CRASHES: 0, KILLS: 0 },
  long: { CLIENTS: 1, CRASHES: 1, KILLS: 0 },
};

/** What spin is asked: how pan.c is compiled, and how it searches. */
const QUESTIONS = {
  /** Is an assertion violated, or does it get stuck? */
  safety: { compiled: '-DSAFETY', search: [] },
  /** Does it go round in circles? Nothing in the model is marked as progress, so each circle is an error. */
  circles: { compiled: '-DNP', search: ['-l'] },
} as const;

export const suite: Suite = {
  name: 'protocol (spin)',
  concurrency: 2,
  *cases(form: Form): Iterable<Case> {
    for (const bounds of BOUNDS[form]) yield holds(bounds);
    yield ends(CIRCLE_BOUNDS[form]);
    for (const variant of VARIANTS) yield isRejected(variant);
  },
};

function holds(bounds: Bounds): Case {
  const { CLIENTS, CRASHES, KILLS } = bounds;
  return {
    row: 'every order of two commands side by side, clients, and kills between any two steps',
    name: `protocol: ${CLIENTS} clients, ${CRASHES} commands and ${KILLS} backends killed`,
    tried: ALL,
    kind: 'search',
    async run() {
      const { broken, states, report } = await check(macrosOf(bounds), 'safety');
      if (broken !== null) throw new Error(`${broken}: spin found a way to break the protocol:\n${report}`);
      if (states < LEAST_STATES) throw new Error(`only ${states} states were looked at:\n${report}`);
    },
  };
}

function ends(bounds: Bounds): Case {
  const { CLIENTS, CRASHES, KILLS } = bounds;
  return {
    row: 'every order of steps comes to an end, whoever is let run',
    name: `protocol: circles with ${CLIENTS} clients, ${CRASHES} commands and ${KILLS} backends killed`,
    tried: ['I5'],
    kind: 'search',
    async run() {
      const { broken, report } = await check(macrosOf(bounds), 'circles');
      if (broken !== null) throw new Error(`${broken}: spin found a circle:\n${report}`);
    },
  };
}

function isRejected({ macro, breaks, mistake, kills = 0, crashes = 1, question = 'safety' }: Variant): Case {
  return {
    row: 'a deliberately wrong variant is rejected',
    name: `protocol: ${macro}: ${mistake}`,
    tried: [breaks],
    kind: 'search',
    async run() {
      const macros = [`-D${macro}`, `-DCRASHES=${crashes}`, `-DKILLS=${kills}`];
      // The search ends at its first error: to optimize it takes longer than it does.
      const { broken, report } = await check(macros, question, '-O0');
      if (broken !== breaks) throw new Error(`${macro} has to break ${breaks}, and spin found ${broken}:\n${report}`);
    },
  };
}

const macrosOf = (bounds: Bounds): readonly string[] =>
  Object.entries(bounds).map(([name, value]) => `-D${name}=${value}`);

interface Verdict {
  /** What the first error breaks, by the comment beside the assertion; null when there is none. */
  readonly broken: InvariantName | null;
  readonly states: number;
  readonly report: string;
}

/** Compiles the model with these macros, and searches all of it or until the first error. */
async function check(
  macros: readonly string[],
  question: keyof typeof QUESTIONS,
  optimization: '-O0' | '-O2' = '-O2',
): Promise<Verdict> {
  const { compiled, search } = QUESTIONS[question];
  await using dir = await tempDir();
  const at = { cwd: dir.path, maxBuffer: 2 ** 26 };
  copyFileSync(MODEL, dir.join('graceful.pml'));
  await run(need('spin'), ['-a', ...macros, 'graceful.pml'], at);
  await run(need('gcc'), [optimization, compiled, '-DCOLLAPSE', '-w', '-o', 'pan', 'pan.c'], at);
  const { stdout } = await run(dir.join('pan'), [...search, '-m100000', '-w24'], at);
  const errors = /errors: (\d+)/.exec(stdout)?.[1];
  const states = Number(/(\d+) states, stored/.exec(stdout)?.[1] ?? 0);
  if (errors === undefined || /max search depth too small|Search not completed\n.*errors: 0/s.test(stdout))
    throw new Error(`no verdict:\n${stdout}`);
  if (errors === '0') return { broken: null, states, report: stdout };
  const trail = (await run(need('spin'), ['-t', '-p', '-g', ...macros, 'graceful.pml'], at)).stdout;
  return { broken: brokenBy(stdout, trail), states, report: `${stdout}\n${trail.slice(-STORY_LENGTH)}` };
}

/** A model that cannot go on, or goes on for ever, is one that never converges. */
function brokenBy(stdout: string, trail: string): InvariantName | null {
  if (/^pan:\d+: (?:invalid end state|non-progress cycle)/m.test(stdout)) return 'I5';
  const line = Number(/graceful\.pml:(\d+), Error: assertion violated/.exec(trail)?.[1]);
  const said = /\/\* (I\d)/.exec(readFileSync(MODEL, 'utf8').split('\n')[line - 1] ?? '')?.[1];
  return ALL.find((name) => name === said) ?? null;
}
