// Random stories of commands, deploys, crashes, hangs and kills, held against a small model after every step. What breaks
// is shrunk to the shortest story, which is told line by line.
import { asyncModelRun, asyncProperty, check, commands } from 'fast-check';
import { LONG_SHARE, randomFrom } from '../kit/seed.ts';
import type { Case, Form, Suite } from '../kit/suite.ts';
import { freshModel, type Model } from './model.ts';
import { STEPS } from './steps.ts';
import { World } from './world.ts';

const STORIES: Readonly<Record<Form, number>> = { short: 12, long: Math.ceil(250 / LONG_SHARE) };
const MOST_STEPS = 12;
const SHRINK_MS = 120_000;

export const suite: Suite = {
  name: 'model',
  concurrency: 3,
  *cases(form: Form): Iterable<Case> {
    for (const host of ['one-shot', 'supervisor'] as const) {
      const random = randomFrom(host);
      for (let story = 0; story < STORIES[form]; story += 1) yield caseOf(host, Math.floor(random() * 2 ** 31));
    }
  },
};

const caseOf = (host: Model['host'], seed: number): Case => ({
  row: `random stories against the model, ${host}`,
  name: `model, ${host}, story ${seed}`,
  tried: ['I1', 'I2', 'I3', 'I4', 'I5', 'I6', 'I7', 'clear'],
  async run() {
    const property = asyncProperty(commands([...STEPS], { maxCommands: MOST_STEPS, size: 'max' }), async (story) => {
      await using world = await World.open();
      await asyncModelRun(() => ({ model: freshModel(host), real: world }), story);
    });
    // One story per case, so that a case is one life of an app.
    const found = await check(property, {
      seed,
      numRuns: 1,
      skipAllAfterTimeLimit: SHRINK_MS,
    });
    if (!found.failed) return;
    const told = String(found.counterexample?.[0])
      .replace(/ \/\*replayPath.*$/, '')
      .split(',');
    const lines = told.map((line, index) => `  ${index + 1}. ${line}`);
    throw new Error(
      `the shortest story found (seed ${found.seed}, path ${found.counterexamplePath}, ${found.counterexample?.[0]}):\n${lines.join('\n')}\n${String(found.errorInstance)}`,
    );
  },
});
